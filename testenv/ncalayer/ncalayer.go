package ncalayer

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// Address is where browsers look for NCALayer.
const Address = "127.0.0.1:13579"

// Sign makes a detached CMS over data, DER.
type Sign func(data []byte) ([]byte, error)

// Behaviour is what the stand-in does with a question.
type Behaviour int

// The behaviours.
const (
	// Signs as it should, by module basics.
	Signs Behaviour = iota
	// OldVersion knows commonUtils alone.
	OldVersion
	// Cancels as if the person had closed the window.
	Cancels
	// Refuses as with a wrong password.
	Refuses
	// HangsUp closes the connection after the question.
	HangsUp
	// Babbles answers with no JSON.
	Babbles
	// Replays gives the first signature that it made, whatever is asked.
	Replays
	// Forges signs other bytes than it was given.
	Forges
)

// Layer is a running stand-in. Safe for concurrent use.
type Layer struct {
	mu        sync.Mutex
	sign      Sign
	behaviour Behaviour
	first     []byte
	asked     int

	server *http.Server
	done   chan error
}

// Start listens on address; port 0 takes a free one. Close ends it.
func Start(ctx context.Context, address string, sign Sign) (*Layer, net.Addr, error) {
	certificate, err := selfSigned()
	if err != nil {
		return nil, nil, err
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, nil, fmt.Errorf("couldn't stand in for NCALayer: %w", err)
	}
	l := &Layer{sign: sign, done: make(chan error, 1)}
	l.server = &http.Server{Handler: http.HandlerFunc(l.serve), ReadHeaderTimeout: 5 * time.Second}
	secure := tls.NewListener(ln, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	go func() { l.done <- l.server.Serve(secure) }()
	return l, ln.Addr(), nil
}

// Close stops listening and ends all connections.
func (l *Layer) Close() error {
	err := l.server.Close()
	if served := <-l.done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// Behave changes what is done from now on, and with whose key.
func (l *Layer) Behave(b Behaviour, sign Sign) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.behaviour, l.sign = b, sign
}

// Asked is how many signatures were asked for.
func (l *Layer) Asked() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.asked
}

// question is what both modules have.
type question struct {
	Module string          `json:"module"`
	Method string          `json:"method"`
	Args   json.RawMessage `json:"args"`
}

const questionMax = 1 << 20

func (l *Layer) serve(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true}) // like the real one, it takes any origin
	if err != nil {
		return
	}
	defer func() { _ = c.CloseNow() }()
	c.SetReadLimit(questionMax)
	ctx := r.Context()
	if err := c.Write(ctx, websocket.MessageText, []byte(`{"result":{"version":"1.4"}}`)); err != nil {
		return
	}
	for {
		_, raw, err := c.Read(ctx)
		if err != nil {
			return
		}
		if string(raw) == "--heartbeat--" {
			raw = []byte("--heartbeat--")
		} else if raw = l.answer(raw); raw == nil {
			return
		}
		if err := c.Write(ctx, websocket.MessageText, raw); err != nil {
			return
		}
	}
}

// answer is nil to hang up.
func (l *Layer) answer(raw []byte) []byte {
	var q question
	if err := json.Unmarshal(raw, &q); err != nil {
		return reply(map[string]any{"status": false, "code": "500", "message": "unreadable"})
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked++
	switch l.behaviour {
	case HangsUp:
		return nil
	case Babbles:
		return []byte("<html>")
	case Signs, OldVersion, Cancels, Refuses, Replays, Forges:
	}
	switch q.Module {
	case "kz.gov.pki.knca.basics":
		return l.basics(q)
	case "kz.gov.pki.knca.commonUtils":
		return l.commonUtils(q)
	}
	return reply(map[string]any{"status": false, "code": "500", "message": "no such module"})
}

func (l *Layer) basics(q question) []byte {
	var args struct {
		Format string `json:"format"`
		Data   string `json:"data"`
	}
	data, err := []byte(nil), json.Unmarshal(q.Args, &args)
	if err == nil {
		data, err = base64.StdEncoding.DecodeString(args.Data)
	}
	switch {
	case l.behaviour == OldVersion:
		return reply(map[string]any{"code": "500", "message": "Module not found"})
	case err != nil || q.Method != "sign" || args.Format != "cms":
		return reply(map[string]any{"status": false, "code": "400", "message": "bad arguments"})
	case l.behaviour == Cancels:
		return reply(map[string]any{"status": true, "body": map[string]any{}})
	case l.behaviour == Refuses:
		return reply(map[string]any{"status": false, "code": "500", "message": "wrong password", "details": ""})
	}
	cms, err := l.signature(data)
	if err != nil {
		return reply(map[string]any{"status": false, "code": "500", "message": "cannot sign"})
	}
	return reply(map[string]any{"status": true, "body": map[string]any{"result": []string{armour(cms)}}})
}

func (l *Layer) commonUtils(q question) []byte {
	var args []any
	if err := json.Unmarshal(q.Args, &args); err != nil || len(args) != 4 || q.Method != "createCAdESFromBase64" {
		return reply(map[string]any{"code": "500", "message": "bad arguments"})
	}
	text, _ := args[2].(string)
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil || l.behaviour == Cancels {
		return reply(map[string]any{"code": "500", "message": "action.canceled"})
	}
	cms, err := l.signature(data)
	if err != nil {
		return reply(map[string]any{"code": "500", "message": "cannot sign"})
	}
	return reply(map[string]any{"code": "200", "responseObject": base64.StdEncoding.EncodeToString(cms)})
}

func (l *Layer) signature(data []byte) ([]byte, error) {
	if l.behaviour == Replays && l.first != nil {
		return l.first, nil
	}
	if l.behaviour == Forges {
		data = append([]byte("another text: "), data...)
	}
	cms, err := l.sign(data)
	if err == nil && l.first == nil {
		l.first = cms
	}
	return cms, err
}

// armour is the form in which the real one gives a CMS: with CRLF, and CMS in place of PKCS7.
func armour(der []byte) string {
	var out strings.Builder
	out.WriteString("-----BEGIN CMS-----\r\n")
	text := base64.StdEncoding.EncodeToString(der)
	for len(text) > 64 {
		out.WriteString(text[:64] + "\r\n")
		text = text[64:]
	}
	out.WriteString(text + "\r\n-----END CMS-----\r\n")
	return out.String()
}

func reply(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return []byte(`{"status":false}`)
	}
	return b
}

func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("couldn't make a key: %w", err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "127.0.0.1"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("couldn't make a certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
