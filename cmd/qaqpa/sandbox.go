package main

import (
	"errors"
	"fmt"
	"os"

	"qaqpa/api/sandbox"
	"qaqpa/signer/trust"
)

// errSandbox: a gateway that believes real people's certificates cannot be a sandbox.
var errSandbox = errors.New("--sandbox needs --trust=test or --trust=custom, and no national anchor: where real certificates are believed, real people could pay")

// sandbox reads the file of a sandbox each time that it is shown; nil where the gateway is none.
func (c *serveCmd) sandbox(believed *trust.Store) (func() ([]byte, error), error) {
	if c.Sandbox == "" {
		return nil, nil //nolint:nilnil // no sandbox
	}
	// The attack: --trust=custom with the national roots among --trust-anchors.
	if people, err := believed.BelievesPeople(); err != nil || people || believed.Mode() == trust.Production {
		return nil, errors.Join(errSandbox, err)
	}
	return func() ([]byte, error) {
		info, err := os.Stat(c.Sandbox)
		if err == nil && info.Size() > sandbox.SizeMax {
			return nil, fmt.Errorf("couldn't read the sandbox %s: it is larger than %d octets", c.Sandbox, sandbox.SizeMax)
		}
		file, err := os.ReadFile(c.Sandbox)
		if err != nil {
			return nil, fmt.Errorf("couldn't read the sandbox: %w", err)
		}
		return file, nil
	}, nil
}
