package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"qaqpa/api/auth"
	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/signer/audit"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
)

// clientsCmd registers who may use the gateway. Registering what is registered already changes it.
type clientsCmd struct {
	AddAgency clientsAddAgencyCmd   `cmd:"" help:"Register an agency, or change it, and print its id."`
	AddBank   clientsAddBankCmd     `cmd:"" help:"Register a bank, or change it."`
	Limits    clientsLimitsCmd      `cmd:"" help:"Set how much may go through a bank in one payment and in one day."`
	Guarantee clientsGuaranteeCmd   `cmd:"" help:"Set what a bank may owe at most; payments beyond it are refused."`
	Register  clientsSetRegisterCmd `cmd:"" name:"set-register" help:"Say that an agency keeps its own register of debts, and how it is asked while somebody looks."`
	Secret    clientsSecretCmd      `cmd:"" name:"webhook-secret" help:"Give an agency a new secret for its webhooks (HMAC, v1) and print it once."`
	AddMRP    clientsAddMRPCmd      `cmd:"" name:"add-mrp" help:"Add the value of the МРП (monthly calculation index) for a year that has none."`

	AddCommission    clientsAddCommissionCmd    `cmd:"" help:"Propose what a bank takes for executing payments, or a prohibition to take anything."`
	DecideCommission clientsDecideCommissionCmd `cmd:"" help:"Put proposed terms of commission into force, or reject them; another operator than the one who proposed them."`
	ListCommissions  clientsListCommissionsCmd  `cmd:"" help:"List the terms of commission."`

	AddCommissionPayment    clientsAddCommissionPaymentCmd    `cmd:"" help:"Record that an agency has paid its bank commissions which it bears, or made good what the bank had kept back."`
	DecideCommissionPayment clientsDecideCommissionPaymentCmd `cmd:"" help:"Book a recorded payment of commissions, or reject it; another operator than the one who recorded it."`
	ListCommissionPayments  clientsListCommissionPaymentsCmd  `cmd:"" help:"List what agencies have paid for commissions, and made good."`

	AddKey    clientsAddKeyCmd    `cmd:"" help:"Make an API key. It is shown once."`
	RevokeKey clientsRevokeKeyCmd `cmd:"" help:"End an API key for good."`
	LimitKey  clientsLimitKeyCmd  `cmd:"" help:"Change how many requests a minute a key may make."`
	ListKeys  clientsListKeysCmd  `cmd:"" help:"List the API keys, without their secrets."`

	CodePolicy clientsCodePolicyCmd `cmd:"" help:"Say up to which amount payments may be confirmed by a one-time code."`
	Signatures clientsSignaturesCmd `cmd:"" help:"Say how many people of a company have to sign each of its payments."`

	Grant       clientsGrantCmd       `cmd:"" help:"Let a person act for an agency, a bank or the operator on the console's pages."`
	RevokeGrant clientsRevokeGrantCmd `cmd:"" help:"End such a right."`
	ListGrants  clientsListGrantsCmd  `cmd:"" help:"List such rights."`

	InviteOperator clientsInviteOperatorCmd `cmd:"" help:"Let one of the operator's people sign in by password and second factor; prints an invitation."`
	EndOperator    clientsEndOperatorCmd    `cmd:"" help:"End such an account and its sessions."`
	ListOperators  clientsListOperatorsCmd  `cmd:"" help:"List such accounts."`

	SetSealPolicy    clientsSetSealPolicyCmd    `cmd:"" help:"Say what a client may have sealed: keys, formats, levels, how many a minute."`
	EndSealPolicy    clientsEndSealPolicyCmd    `cmd:"" help:"Let a client have nothing sealed any more."`
	ListSealPolicies clientsListSealPoliciesCmd `cmd:"" help:"List what clients may have sealed."`
}

type clientsAddAgencyCmd struct {
	databaseSettings `embed:""`
	BIN              string `name:"bin" required:"" placeholder:"DIGITS" help:"BIN of the agency, 12 digits."`
	NameKK           string `name:"name-kk" required:"" help:"Name in Kazakh."`
	NameRU           string `name:"name-ru" required:"" help:"Name in Russian."`
	NameEN           string `name:"name-en" required:"" help:"Name in English."`
	WebhookURL       string `name:"webhook-url" placeholder:"URL" help:"Where payment facts are sent; without it the agency asks for them."`
	AllowPrivate     bool   `env:"QAQPA_ALLOW_PRIVATE" help:"Take an address that is loopback, private or plain HTTP."`
}

func (c *clientsAddAgencyCmd) Run(ctx context.Context, io streams) error {
	return withRegistrar(ctx, c.databaseSettings, c.AllowPrivate, func(r *payment.Registrar) error {
		spec := catalog.AgencySpec{BIN: c.BIN, Names: catalog.Names{KK: c.NameKK, RU: c.NameRU, EN: c.NameEN}, WebhookURL: c.WebhookURL}
		idem, err := idemOf(spec)
		if err != nil {
			return err
		}
		agency, _, err := r.RegisterAgency(ctx, idem, spec)
		if err != nil {
			return fmt.Errorf("couldn't register the agency: %w", err)
		}
		fmt.Fprintln(io.out, agency.ID)
		return nil
	})
}

type clientsAddBankCmd struct {
	databaseSettings `embed:""`
	BIC              string `name:"bic" required:"" help:"BIC of the bank, 8 characters."`
	BIN              string `name:"bin" required:"" placeholder:"DIGITS" help:"BIN that the bank's certificates carry."`
	Name             string `required:"" help:"Name as receipts print it."`
	URL              string `name:"url" required:"" placeholder:"URL" help:"Base of the bank's payment interface."`
	Files            string `name:"files" placeholder:"URL" help:"Where the bank takes payment orders as ISO 20022 files (pain.001): https://… or file:///folder, with out and in below it. Without it, they go as messages."`
	Paused           bool   `help:"Take no new orders through this bank."`
	AllowPrivate     bool   `env:"QAQPA_ALLOW_PRIVATE" help:"Take an address that is loopback, private or plain HTTP."`
}

func (c *clientsAddBankCmd) Run(ctx context.Context, io streams) error {
	return withRegistrar(ctx, c.databaseSettings, c.AllowPrivate, func(r *payment.Registrar) error {
		spec := catalog.BankSpec{BIC: c.BIC, BIN: c.BIN, Name: c.Name, URL: c.URL, Files: c.Files, Paused: c.Paused}
		idem, err := idemOf(spec)
		if err != nil {
			return err
		}
		bank, _, err := r.RegisterBank(ctx, idem, spec)
		if err != nil {
			return fmt.Errorf("couldn't register the bank: %w", err)
		}
		fmt.Fprintln(io.out, bank.BIC)
		return nil
	})
}

// idemOf makes the idempotency of one call at the command line: each call is a wish of its own.
func idemOf(spec any) (payment.Idem, error) {
	body, err := json.Marshal(spec)
	if err != nil {
		return payment.Idem{}, fmt.Errorf("couldn't write down the request: %w", err)
	}
	key, err := uuid.NewV7()
	if err != nil {
		return payment.Idem{}, fmt.Errorf("couldn't make an idempotency key: %w", err)
	}
	return payment.Idem{Caller: operatorActor(), Key: key.String(), Hash: sha256.Sum256(body)}, nil
}

func withRegistrar(ctx context.Context, d databaseSettings, allowPrivate bool, use func(*payment.Registrar) error) error {
	return withPrivateRegistrar(ctx, d, allowPrivate, nil, use)
}

// withPrivateRegistrar is withRegistrar for what reads or changes personal data.
func withPrivateRegistrar(ctx context.Context, d databaseSettings, allowPrivate bool, p *payment.Privacy, use func(*payment.Registrar) error) error {
	return withAudit(ctx, d, func(db *sqlx.DB, log *audit.Log) error {
		r, err := payment.NewRegistrar(payment.RegistrarConfig{DB: db, Auditor: log, AllowPrivate: allowPrivate, Now: time.Now, Privacy: p})
		if err != nil {
			return fmt.Errorf("couldn't set up the register: %w", err)
		}
		return use(r)
	})
}

// withAudit connects to the database, opens the audit log over it and calls use.
func withAudit(ctx context.Context, d databaseSettings, use func(*sqlx.DB, *audit.Log) error) (err error) {
	db, err := d.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	log, err := audit.New(audit.Config{Now: time.Now})
	if err != nil {
		return fmt.Errorf("couldn't open the audit log: %w", err)
	}
	return use(db, log)
}

func withKeys(ctx context.Context, d databaseSettings, use func(*auth.Store) error) error {
	return withAudit(ctx, d, func(db *sqlx.DB, log *audit.Log) error {
		store, err := auth.New(auth.Config{DB: db, Audit: log, Now: time.Now})
		if err != nil {
			return fmt.Errorf("couldn't set up the keys of clients: %w", err)
		}
		return use(store)
	})
}

type clientsAddKeyCmd struct {
	databaseSettings `embed:""`
	Kind             string   `enum:"agency,bank,portal,operator" required:"" help:"Kind of client: ${enum}."`
	Subject          string   `required:"" help:"Id of the agency, BIC of the bank, or name of the portal or operator."`
	Name             string   `help:"What people call the key."`
	Days             int      `default:"365" help:"After how many days it ends; 0: never."`
	Scopes           []string `help:"Rights of the key; all that the kind may have, if not given."`
	PublicKey        string   `type:"existingfile" placeholder:"FILE" help:"Public key (PEM) of a client that signs its requests by RFC 9421: Ed25519, ECDSA P-256 or RSA. The id that its signatures name is printed; there is no secret."`
	Certificate      string   `name:"client-certificate" type:"existingfile" placeholder:"FILE" help:"TLS certificate (PEM) of the client: the key then serves only on connections to --tls-listen that prove it. A renewed certificate with the same key pair serves, too."`
	PerMinute        int      `help:"Requests that it may make in a minute; 0: the default of the gateway."`
}

func (c *clientsAddKeyCmd) Run(ctx context.Context, io streams) error {
	return withKeys(ctx, c.databaseSettings, func(store *auth.Store) error {
		in := auth.NewKey{Kind: auth.Kind(c.Kind), Subject: c.Subject, Name: c.Name, Actor: operatorActor(), PerMinute: c.PerMinute}
		var err error
		if in.PublicKey, err = publicKeyOf(c.PublicKey); err != nil {
			return err
		}
		if in.ClientSPKI, err = clientSPKIOf(c.Certificate); err != nil {
			return err
		}
		for _, s := range c.Scopes {
			in.Scopes = append(in.Scopes, auth.Scope(s))
		}
		if c.Days > 0 {
			in.ExpiresAt = time.Now().AddDate(0, 0, c.Days)
		}
		token, _, err := store.Create(ctx, in)
		if err != nil {
			return fmt.Errorf("couldn't make the API key: %w", err)
		}
		fmt.Fprintln(io.out, token)
		return nil
	})
}

type clientsRevokeKeyCmd struct {
	databaseSettings `embed:""`
	ID               string `arg:"" help:"Id of the key: the part between qk_ and the second underscore."`
}

func (c *clientsRevokeKeyCmd) Run(ctx context.Context, io streams) error {
	return withKeys(ctx, c.databaseSettings, func(store *auth.Store) error {
		if err := store.Revoke(ctx, c.ID, operatorActor()); err != nil {
			return fmt.Errorf("couldn't revoke API key %s: %w", c.ID, err)
		}
		fmt.Fprintln(io.out, "revoked; other processes heed it within 5 s")
		return nil
	})
}

type clientsListKeysCmd struct {
	databaseSettings `embed:""`
}

func (c *clientsListKeysCmd) Run(ctx context.Context, io streams) error {
	return withKeys(ctx, c.databaseSettings, func(store *auth.Store) error {
		keys, err := store.Keys(ctx)
		if err != nil {
			return fmt.Errorf("couldn't list the API keys: %w", err)
		}
		w := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tKIND\tSUBJECT\tNAME\tEXPIRES\tREVOKED\tPROOF\tPER MINUTE")
		for _, k := range keys {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.Kind, k.Subject, k.Name, dayOf(k.ExpiresAt), dayOf(k.RevokedAt), proofOf(k), quotaOf(k))
		}
		return w.Flush()
	})
}

func dayOf(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.Format(time.DateOnly)
}
