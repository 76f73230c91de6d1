package ncanode

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"qaqpa/api/strictjson"
	"qaqpa/signer"
	"qaqpa/signer/report"
)

// Config of a Gateway; all fields are obligatory.
type Config struct {
	// Signer judges and signs.
	Signer *signer.Service
	// Now is the clock, for the times in tokens.
	Now func() time.Time
}

// Gateway answers in the language of NCANode. It keeps no state and is safe for concurrent use.
type Gateway struct{ cfg Config }

// New checks the configuration.
func New(cfg Config) (*Gateway, error) {
	if cfg.Signer == nil || cfg.Now == nil {
		return nil, errors.New("ncanode needs a signer and a clock")
	}
	return &Gateway{cfg}, nil
}

// Call is one request.
type Call struct {
	// Body is the JSON. It may hold keys and passwords, and is the caller's to overwrite.
	Body []byte
	// Actor is who asks, for the audit rows of signatures.
	Actor string
	// Language of the texts in problems.
	Language report.Lang
}

// Operation is one POST of the interface.
type Operation struct {
	Path string
	// Serve returns the JSON of the answer. Errors: *Error, *strictjson.Error, signer.ErrTooLarge, or a failure of ours.
	Serve func(ctx context.Context, c Call) ([]byte, error)
}

// done is what every successful answer begins with.
type done struct {
	Status  int    `json:"status"`
	Message string `json:"message"`
}

func ok() done { return done{Status: http.StatusOK, Message: "OK"} }

// Limits of a body beside its size: a payload of a token may be nested, everything else is flat.
const (
	depthMax = 32
	itemsMax = 4096
)

// Operations are the whole interface. The error is a defect of this package.
func (g *Gateway) Operations() ([]Operation, error) {
	var out []Operation
	var faults error
	for _, build := range []func() (Operation, error){
		typed("/cms/sign", g.cmsSign), typed("/cms/sign/add", g.cmsSignAdd), typed("/cms/verify", g.cmsVerify),
		typed("/cms/extract", g.cmsExtract), typed("/xml/sign", g.xmlSign), typed("/xml/verify", g.xmlVerify),
		typed("/wsse/sign", g.wsseSign), typed("/wsse/verify", g.wsseVerify), typed("/x509/info", g.x509Info),
		typed("/x509/verify", g.x509Verify), typed("/pkcs12/info", g.pkcs12Info), typed("/pkcs12/aliases", g.pkcs12Aliases),
		typed("/jwt/encode", g.jwtEncode), typed("/jwt/decode", g.jwtDecode),
		typed("/pdf/sign", g.pdfSign), typed("/pdf/verify", g.pdfVerify),
	} {
		op, err := build()
		faults = errors.Join(faults, err)
		out = append(out, op)
	}
	return out, faults
}

// typed makes an operation of a typed handler, which reads its body tolerantly as NCANode does.
func typed[In, Out any](path string, f func(ctx context.Context, c Call, in In) (Out, error)) func() (Operation, error) {
	return func() (Operation, error) {
		dec, err := strictjson.New[In](strictjson.Limits{Depth: depthMax, Items: itemsMax, Tolerant: true})
		if err != nil {
			return Operation{}, fmt.Errorf("couldn't plan the reading of %s: %w", path, err)
		}
		return Operation{Path: path, Serve: func(ctx context.Context, c Call) ([]byte, error) {
			in, err := dec.Decode(c.Body)
			if err != nil {
				return nil, err
			}
			out, err := f(ctx, c, in)
			if err != nil {
				return nil, err
			}
			return encode(out)
		}}, nil
	}
}

// encode writes JSON as NCANode does: XML stands in it as it is.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("couldn't write the answer: %w", err)
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
