package main

import (
	"context"
	"encoding/pem"
	"fmt"
	"os"
	"strconv"

	"qaqpa/api/auth"
)

// publicKeyOf reads a public key in PEM; nil when no file was named.
func publicKeyOf(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("couldn't read the public key: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PUBLIC KEY" {
		return nil, fmt.Errorf("%s holds no PUBLIC KEY in PEM (openssl pkey -pubout makes one)", path)
	}
	return block.Bytes, nil
}

// proofOf says by what a client shows that it is the one.
func proofOf(k auth.Key) string {
	proof := "token"
	if k.PublicKey != nil {
		proof = "signature"
	}
	if k.ClientSPKI != nil {
		proof += " and certificate"
	}
	return proof
}

func quotaOf(k auth.Key) string {
	if k.PerMinute == 0 {
		return "default"
	}
	return strconv.Itoa(k.PerMinute)
}

type clientsLimitKeyCmd struct {
	databaseSettings `embed:""`
	ID               string `arg:"" help:"Id of the key."`
	PerMinute        int    `arg:"" help:"Requests a minute; 0: the default of the gateway."`
}

func (c *clientsLimitKeyCmd) Run(ctx context.Context, io streams) error {
	return withKeys(ctx, c.databaseSettings, func(store *auth.Store) error {
		if err := store.SetQuota(ctx, c.ID, c.PerMinute, operatorActor()); err != nil {
			return fmt.Errorf("couldn't change the quota of %s: %w", c.ID, err)
		}
		fmt.Fprintln(io.out, "changed; other processes heed it within 5 s")
		return nil
	})
}
