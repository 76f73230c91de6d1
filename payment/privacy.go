package payment

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/lib/pq"

	"qaqpa/payment/sealed"
)

// Vault encrypts records under a key that it never gives away; hsm.DataKey is one. place binds a record to its row and column.
type Vault interface {
	Seal(ctx context.Context, record, place []byte) ([]byte, error)
	Open(ctx context.Context, sealed, place []byte) ([]byte, error)
}

// NamedVault is a vault under a name that is never given to another key.
type NamedVault struct {
	Name string
	Vault
}

// Privacy is what personal data are sealed by at rest (R42). Rows that were stored before are read as they stand, or by the key
// that sealed them, until [SealStored] has been over them.
type Privacy struct {
	// Vaults seal names, phones, documents, signatures, receipts and messages: the first one what is stored from now on. The
	// others open what they have sealed before.
	Vaults []NamedVault
	// PayerSecrets, 32 bytes each, make the stored form of payers' numbers, the first one from now on; see package sealed.
	PayerSecrets [][]byte
}

// ErrSealed says that stored personal data are sealed, and that the key that opens them was not given.
var ErrSealed = errors.New("stored personal data are sealed: give the labels of their keys")

// privacy seals and opens what a row holds of a person. A nil one stores as it stands. Safe for concurrent use.
type privacy struct {
	mark   string // of what is sealed now
	vaults map[string]Vault
	payers []*sealed.Payers
}

// What is sealed begins with a kind and with the name of the key, hashed. No document, CMS, PDF or name begins so.
const (
	sealedText  = "\x01"
	sealedBytes = "\x00q1"
	markLen     = len(sealedBytes) + 4
)

func markOf(name string) string {
	sum := sha256.Sum256([]byte("qaqpa vault v1 " + name))
	return sealedBytes + string(sum[:markLen-len(sealedBytes)])
}

func newPrivacy(cfg *Privacy) (*privacy, error) {
	if cfg == nil {
		return nil, nil //nolint:nilnil // none is an answer
	}
	if len(cfg.Vaults) == 0 || len(cfg.PayerSecrets) == 0 {
		return nil, errors.New("payment: Privacy needs a vault and a secret")
	}
	p := &privacy{mark: markOf(cfg.Vaults[0].Name), vaults: make(map[string]Vault, len(cfg.Vaults))}
	for _, v := range cfg.Vaults {
		p.vaults[markOf(v.Name)] = v.Vault
	}
	for _, secret := range cfg.PayerSecrets {
		one, err := sealed.New(secret)
		if err != nil {
			return nil, fmt.Errorf("couldn't use the secret of payers' numbers: %w", err)
		}
		p.payers = append(p.payers, one)
	}
	return p, nil
}

// place names a value: moved to another row or column, it does not open.
func place(table, column, id string) []byte {
	return []byte("payment/" + table + "/" + column + "/" + id)
}

// payer is how a number is stored now.
func (p *privacy) payer(number string) string {
	if p == nil || number == "" {
		return number
	}
	return p.payers[0].Form(number)
}

// forms are all ways in which a number may be stored, the present one first, for `column = ANY($n)`.
func (p *privacy) forms(number string) pq.StringArray {
	if p == nil {
		return pq.StringArray{number}
	}
	list := make(pq.StringArray, 0, len(p.payers)+1)
	for _, one := range p.payers {
		list = append(list, one.Form(number))
	}
	return append(list, number)
}

// number reads a stored number.
func (p *privacy) number(stored string) (string, error) {
	if !sealed.IsForm(stored) {
		return stored, nil
	}
	if p != nil {
		for _, one := range p.payers {
			if strings.HasPrefix(stored, one.Prefix()) {
				return one.Number(stored)
			}
		}
	}
	return "", ErrSealed
}

// seal makes the stored form of bytes.
func (p *privacy) seal(ctx context.Context, plain, at []byte) ([]byte, error) {
	if p == nil || len(plain) == 0 {
		return plain, nil
	}
	body, err := p.vaults[p.mark].Seal(ctx, plain, at)
	if err != nil {
		return nil, fmt.Errorf("couldn't seal %s: %w", at, err)
	}
	return append([]byte(p.mark), body...), nil
}

// open reads stored bytes.
func (p *privacy) open(ctx context.Context, stored, at []byte) ([]byte, error) {
	if !bytes.HasPrefix(stored, []byte(sealedBytes)) {
		return stored, nil
	}
	if p == nil || len(stored) < markLen {
		return nil, ErrSealed
	}
	vault, known := p.vaults[string(stored[:markLen])]
	if !known {
		return nil, ErrSealed
	}
	plain, err := vault.Open(ctx, stored[markLen:], at)
	if err != nil {
		return nil, fmt.Errorf("couldn't open %s: %w", at, err)
	}
	return plain, nil
}

// sealText and openText are seal and open for columns of text.
func (p *privacy) sealText(ctx context.Context, plain string, at []byte) (string, error) {
	if p == nil || plain == "" {
		return plain, nil
	}
	body, err := p.seal(ctx, []byte(plain), at)
	return sealedText + base64.RawStdEncoding.EncodeToString(body), err
}

func (p *privacy) openText(ctx context.Context, stored string, at []byte) (string, error) {
	text, ok := strings.CutPrefix(stored, sealedText)
	if !ok {
		return stored, nil
	}
	body, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return "", fmt.Errorf("couldn't read %s: %w", at, err)
	}
	plain, err := p.open(ctx, body, at)
	return string(plain), err
}

// order opens what an order's row holds of a person.
func (p *privacy) order(ctx context.Context, o *orderRow) (err error) {
	if o.PayerID, err = p.number(o.PayerID); err != nil {
		return err
	}
	if o.PayerName, err = p.openText(ctx, o.PayerName, place("orders", "payer_name", o.ID)); err != nil {
		return err
	}
	o.Document, err = p.open(ctx, o.Document, place("orders", "document", o.ID))
	return err
}

// storedOrder is what the row of an order holds in place of number, name and document.
func (p *privacy) storedOrder(ctx context.Context, o *orderRow) (payer, name string, document []byte, err error) {
	if name, err = p.sealText(ctx, o.PayerName, place("orders", "payer_name", o.ID)); err != nil {
		return "", "", nil, err
	}
	document, err = p.seal(ctx, o.Document, place("orders", "document", o.ID))
	return p.payer(o.PayerID), name, document, err
}

// attempt opens the payment order for the bank.
func (p *privacy) attempt(ctx context.Context, a *attemptRow) (err error) {
	a.Message, err = p.open(ctx, a.Message, place("attempts", "message", a.ID))
	return err
}

// receipt seals what the row of a receipt keeps.
func (p *privacy) receipt(ctx context.Context, made issued) (issued, error) {
	for _, one := range []struct {
		column string
		bytes  *[]byte
	}{{"core", &made.raw}, {"core_seal", &made.seal}, {"pdf", &made.pdf}, {"pdf_seal", &made.pdfSeal}} {
		var err error
		if *one.bytes, err = p.seal(ctx, *one.bytes, place("receipts", one.column, made.core.ID)); err != nil {
			return issued{}, err
		}
	}
	return made, nil
}

// file opens a file for a bank, before and under our seal.
func (p *privacy) file(ctx context.Context, f *fileRow) (err error) {
	if f.Content, err = p.open(ctx, f.Content, place("bank_files", "content", f.ID)); err != nil {
		return err
	}
	f.Sealed, err = p.open(ctx, f.Sealed, place("bank_files", "sealed", f.ID))
	return err
}
