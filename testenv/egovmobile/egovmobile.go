package egovmobile

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Phone is a phone with the application and one key.
type Phone struct {
	// Sign makes a detached CMS over data, DER.
	Sign func(data []byte) ([]byte, error)
	// Gateway replaces scheme and host of addresses, as a network does that leads the public name to a test server; empty leaves them.
	Gateway string
	Client  *http.Client
}

// Asked is what the phone has read, and what its owner sees before he enters his PIN.
type Asked struct {
	Description string
	Names       []string // of the organisation: Kazakh, Russian, English
	BIN         string
	Document    []byte
	Meta        map[string]string

	address, token string
	raw            map[string]any
}

// ErrRefused says that the gateway refused an answer.
var ErrRefused = errors.New("the gateway refuses")

// Scan reads a QR code and fetches what is to be signed.
func (p *Phone) Scan(ctx context.Context, code string) (*Asked, error) {
	address, ok := strings.CutPrefix(code, "mobileSign:")
	if !ok {
		return nil, fmt.Errorf("not a code of eGov Mobile: %q", code)
	}
	var first struct {
		Description  string `json:"description"`
		Organisation struct{ NameKz, NameRu, NameEn, Bin string }
		Document     struct {
			URI       string `json:"uri"`
			AuthType  string `json:"auth_type"`
			AuthToken string `json:"auth_token"`
		} `json:"document"`
	}
	if err := p.call(ctx, question{method: http.MethodGet, address: address}, &first); err != nil {
		return nil, err
	}
	if first.Document.AuthType != "Token" {
		return nil, fmt.Errorf("unknown kind of authentication %q", first.Document.AuthType)
	}
	a := &Asked{
		Description: first.Description, BIN: first.Organisation.Bin, address: first.Document.URI, token: first.Document.AuthToken,
		Names: []string{first.Organisation.NameKz, first.Organisation.NameRu, first.Organisation.NameEn}, Meta: map[string]string{},
	}
	if err := p.call(ctx, question{method: http.MethodGet, address: a.address, token: a.token}, &a.raw); err != nil {
		return nil, err
	}
	return a, a.read()
}

// read takes the document out of the second message.
func (a *Asked) read() error {
	raw, err := json.Marshal(a.raw)
	if err != nil {
		return err
	}
	var second struct {
		SignMethod      string `json:"signMethod"`
		DocumentsToSign []struct {
			Meta     []struct{ Name, Value string }
			Document struct {
				File struct{ Mime, Data string }
			}
		}
	}
	if err := json.Unmarshal(raw, &second); err != nil {
		return fmt.Errorf("couldn't read the documents: %w", err)
	}
	if second.SignMethod != "CMS_SIGN_ONLY" || len(second.DocumentsToSign) != 1 {
		return fmt.Errorf("can't sign %d documents by %q", len(second.DocumentsToSign), second.SignMethod)
	}
	for _, m := range second.DocumentsToSign[0].Meta {
		a.Meta[m.Name] = m.Value
	}
	a.Document, err = base64.StdEncoding.DecodeString(second.DocumentsToSign[0].Document.File.Data)
	return err
}

// Confirm signs what was read and puts it back, as the owner does by his PIN.
func (p *Phone) Confirm(ctx context.Context, a *Asked) error {
	cms, err := p.Sign(a.Document)
	if err != nil {
		return err
	}
	return p.Put(ctx, a, cms, a.token)
}

// Put puts any signature back, under any token. A refusal wraps [ErrRefused].
func (p *Phone) Put(ctx context.Context, a *Asked, cms []byte, token string) error {
	document, ok := a.raw["documentsToSign"].([]any)[0].(map[string]any)
	if !ok {
		return errors.New("the document is no object")
	}
	document["document"] = map[string]any{"file": map[string]any{"mime": "", "data": base64.StdEncoding.EncodeToString(cms)}}
	body, err := json.Marshal(a.raw)
	if err != nil {
		return err
	}
	return p.call(ctx, question{method: http.MethodPut, address: a.address, token: token, body: body}, nil)
}

// Token is the one of the first message.
func (a *Asked) Token() string { return a.token }

const answerMax = 1 << 20

// question is one request of the application.
type question struct {
	method, address, token string
	body                   []byte
}

func (p *Phone) call(ctx context.Context, q question, into any) error {
	address := q.address
	if p.Gateway != "" {
		_, rest, _ := strings.Cut(address, "://")
		_, path, _ := strings.Cut(rest, "/")
		address = p.Gateway + "/" + path
	}
	req, err := http.NewRequestWithContext(ctx, q.method, address, bytes.NewReader(q.body))
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/json")
	if q.token != "" {
		req.Header.Set("Authorization", "Bearer "+q.token)
	}
	if q.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := p.Client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, answerMax))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%w: %d %s", ErrRefused, resp.StatusCode, raw)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(raw, into)
}
