package hsm

import (
	"bufio"
	"crypto"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/miekg/pkcs11"
)

// The protocol between a gateway and the worker process of a token: frames over a socket pair. A frame is its length (4 bytes,
// big-endian, of what follows), the number of the call (8), an operation or outcome (1) and a payload. Answers come in any
// order. Both ends are this binary, so there are no versions.

// frameMax bounds a frame, in bytes: the longest message of Ed25519 and its headers.
const frameMax = messageMax + 4096

// frameHead is the length of what stands before a payload.
const frameHead = 13

// Operations of the gateway, and outcomes of the worker.
const (
	opHello       byte = iota + 1 // JSON hello; the first frame
	opFind                        // JSON findRequest; answer JSON findAnswer
	opCertificate                 // JSON findRequest; answer DER
	opHealth                      // nothing; nothing
	opSign                        // signCall; signature as the token made it
	opMAC                         // key number, data; HMAC
	opGCM                         // gcmCall; result
	opRecall                      // JSON list of refusedPIN; no answer
	opSeats                       // how many calls to do at once from now on (4 bytes); no answer
	outcomeOK                     // what was asked for
	outcomeError                  // JSON failure
	outcomeState                  // JSON report, call number 0, unasked
)

// hello is all that a worker gets to know. The PIN travels here, never in arguments or the environment.
type hello struct {
	Module, Arguments string
	Token, PIN        string
	Seats, Width      int // calls at once: at most, and to begin with
	CallTimeoutMS     int64
	Refused           []refusedPIN
}

// report is the state of a worker's token.
type report struct {
	Up       bool // connected
	Down     bool // given up for the while; neither: being connected
	Error    *failure
	Serial   string
	Seats    int // calls that the token can do at once, 1 to hello.Seats
	Refused  []refusedPIN
	Advanced uint64 // number of the connection
}

type findRequest struct {
	Label  string
	ID     []byte
	Secret bool
}

type findAnswer struct {
	Number uint32 // names the key in later calls
	Label  string
	ID     []byte
	SPKI   []byte // SubjectPublicKeyInfo; nil for secret keys and those of GOST
	Kind   Algorithm

	GOSTParams, GOSTPoint []byte // see gostPoint
}

// failure is an error on its way between processes: one of the package's own, and the module's code.
type failure struct {
	Kind int    `json:"kind"` // index in sentinels, -1: none
	Code uint   `json:"code"` // CKR_…, 0: none
	Text string `json:"text"`
}

// sentinels gives the errors that travel their numbers.
func sentinels() []error {
	return []error{
		ErrModule, ErrTokenNotFound, ErrTokenAmbiguous, ErrTokenFull, ErrWrongPIN, ErrPINLocked, ErrKeyNotFound, ErrKeyAmbiguous,
		ErrKeyAttributes, ErrKeyChanged, ErrCertificateNotFound, ErrCertificateMismatch, ErrAlgorithm, ErrBusy, ErrWrongSignature,
		ErrSealed, ErrClosed, ErrUnavailable,
	}
}

func failureOf(err error) *failure {
	f := &failure{Kind: -1, Text: err.Error()}
	for i, s := range sentinels() {
		if errors.Is(err, s) {
			f.Kind = i
			break
		}
	}
	if code, ok := errors.AsType[pkcs11.Error](err); ok {
		f.Code = uint(code)
	}
	return f
}

// Error is the text of the error as it was.
func (f *failure) Error() string { return f.Text }

// Unwrap gives back what callers branch on.
func (f *failure) Unwrap() []error {
	var out []error
	if all := sentinels(); f.Kind >= 0 && f.Kind < len(all) {
		out = append(out, all[f.Kind])
	}
	if f.Code != 0 {
		out = append(out, pkcs11.Error(f.Code))
	}
	return out
}

// appendFrame appends a frame with its head.
func appendFrame(b []byte, number uint64, op byte, payload ...[]byte) []byte {
	size := frameHead - 4
	for _, p := range payload {
		size += len(p)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(size))
	b = binary.BigEndian.AppendUint64(b, number)
	b = append(b, op)
	for _, p := range payload {
		b = append(b, p...)
	}
	return b
}

// frame is one that was read.
type frame struct {
	number  uint64
	op      byte
	payload []byte // the frame's own memory
}

var errFrame = errors.New("malformed frame")

func readFrame(r *bufio.Reader) (frame, error) {
	head, err := r.Peek(frameHead)
	if err != nil {
		return frame{}, err
	}
	size := int(binary.BigEndian.Uint32(head))
	if size < frameHead-4 || size > frameMax {
		return frame{}, errFrame
	}
	f := frame{number: binary.BigEndian.Uint64(head[4:]), op: head[12], payload: make([]byte, size-(frameHead-4))}
	if _, err := r.Discard(frameHead); err != nil {
		return frame{}, err
	}
	_, err = io.ReadFull(r, f.payload)
	return f, err
}

// frameWaits tells that a whole frame has been read into the buffer.
func frameWaits(r *bufio.Reader) bool {
	if r.Buffered() < frameHead {
		return false
	}
	head, err := r.Peek(4)
	return err == nil && r.Buffered() >= 4+int(binary.BigEndian.Uint32(head))
}

// signCall is one signature to make with a key that has been found.
type signCall struct {
	key  uint32
	m    mechanism
	size int
	data []byte
}

// head is what goes before the data; the key's number, which differs from worker to worker, comes first, by itself.
func (c signCall) head() []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(c.m.id))
	b = binary.BigEndian.AppendUint16(b, uint16(c.size)) //nolint:gosec // a signature has at most 512 bytes
	b = append(b, byte(len(c.m.parameter)))              //nolint:gosec // 0 or the 24 bytes of CK_RSA_PKCS_PSS_PARAMS
	return append(b, c.m.parameter...)
}

func parseSignCall(b []byte) (c signCall, err error) {
	if len(b) < 15 || len(b) < 15+int(b[14]) {
		return c, errFrame
	}
	c.key = binary.BigEndian.Uint32(b)
	c.m.id = uint(binary.BigEndian.Uint64(b[4:]))
	c.size = int(binary.BigEndian.Uint16(b[12:]))
	c.m.parameter, c.data = b[15:15+int(b[14])], b[15+int(b[14]):]
	if len(c.m.parameter) == 0 {
		c.m.parameter = nil
	}
	if c.size == 0 || len(c.data) == 0 {
		return c, errFrame
	}
	return c, nil
}

// head is what goes between the key's number and the data.
func (g gcm) head() []byte {
	b := []byte{0}
	if g.decrypt {
		b[0] = 1
	}
	b = append(b, g.iv...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(g.aad))) //nolint:gosec // bounded by sealedMax
	return append(b, g.aad...)
}

func parseGCM(b []byte) (key uint32, g gcm, err error) {
	const fixed = 4 + 1 + gcmIV + 4
	if len(b) < fixed {
		return 0, g, errFrame
	}
	key = binary.BigEndian.Uint32(b)
	n := int(binary.BigEndian.Uint32(b[fixed-4:]))
	if n == 0 || len(b)-fixed <= n {
		return 0, g, errFrame
	}
	return key, gcm{decrypt: b[4] == 1, iv: b[5 : 5+gcmIV], aad: b[fixed : fixed+n], in: b[fixed+n:]}, nil
}

func (k *Key) answer(number uint32) (findAnswer, error) {
	a := findAnswer{Number: number, Label: k.label, ID: k.id, Kind: k.kind}
	if p, ok := k.pub.(gostPoint); ok {
		a.GOSTParams, a.GOSTPoint = p.params, p.xy
		return a, nil
	}
	spki, err := x509.MarshalPKIXPublicKey(k.pub)
	if err != nil {
		return findAnswer{}, fmt.Errorf("%w: %w", ErrAlgorithm, err)
	}
	a.SPKI = spki
	return a, nil
}

// public is the public key that was found.
func (a findAnswer) public(gost ParseGOST) (crypto.PublicKey, error) {
	if a.GOSTPoint != nil {
		return gost.checked(gostPoint{params: a.GOSTParams, xy: a.GOSTPoint})
	}
	pub, err := x509.ParsePKIXPublicKey(a.SPKI)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAlgorithm, err)
	}
	return pub, nil
}

func decode[T any](payload []byte) (v T, err error) {
	if err := json.Unmarshal(payload, &v); err != nil {
		return v, fmt.Errorf("%w: %w", errFrame, err)
	}
	return v, nil
}
