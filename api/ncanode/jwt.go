package ncanode

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"qaqpa/signer"
	"qaqpa/signer/jws"
	"qaqpa/signer/report"
)

type jwtEncodeRequest struct {
	JWT struct {
		Header struct {
			Alg string `json:"alg"`
			Typ string `json:"typ,omitempty"`
		} `json:"header"`
		Payload json.RawMessage `json:"payload"`
	} `json:"jwt"`
	Key      string `json:"key"`
	Password secret `json:"password"`
	KeyAlias string `json:"keyAlias,omitempty"`
}

type jwtAnswer struct {
	done
	JWT string `json:"jwt"`
}

// algorithms are those of NCANode.
var algorithms = []jws.Algorithm{jws.GG2015, jws.GG2004, jws.ES256, jws.ES384, jws.ES512, jws.RS256, jws.RS384, jws.RS512}

func (g *Gateway) jwtEncode(ctx context.Context, c Call, in jwtEncodeRequest) (jwtAnswer, error) {
	header := in.JWT.Header
	if !slices.Contains(algorithms, jws.Algorithm(header.Alg)) || header.Typ != "" && header.Typ != "JWT" {
		return jwtAnswer{}, refuse(CodeJWT, "jwt.header takes alg GG2015, GG2004, ES256, ES384, ES512, RS256, RS384 or RS512, and typ JWT")
	}
	key, err := keyRequest{Key: in.Key, Password: in.Password, KeyAlias: in.KeyAlias}.signingKey()
	if err != nil {
		return jwtAnswer{}, err
	}
	token, err := g.cfg.Signer.SignJWT(ctx, signer.SignJWTRequest{
		Claims: in.JWT.Payload, Algorithm: jws.Algorithm(header.Alg), Key: key, Actor: c.Actor,
	})
	if err != nil {
		return jwtAnswer{}, ofSigner(err)
	}
	return jwtAnswer{ok(), token}, nil
}

type jwtDecodeRequest struct {
	JWT string `json:"jwt"`
	// Key is the certificate.
	Key             string   `json:"key"`
	RevocationCheck services `json:"revocationCheck,omitempty" limit:"8"`
}

type jwtDecoded struct {
	done
	Valid bool `json:"valid"`
	JWT   struct {
		Header  json.RawMessage `json:"header"`
		Payload json.RawMessage `json:"payload"`
	} `json:"jwt"`
	outcome
}

// leeway is how far the clocks of others may be off.
const leeway = time.Minute

// jwtDecode reads a token and judges it by the certificate that the client names. What it says of itself is shown also
// where it is not valid.
func (g *Gateway) jwtDecode(ctx context.Context, c Call, in jwtDecodeRequest) (jwtDecoded, error) {
	check, err := in.RevocationCheck.check()
	if err != nil {
		return jwtDecoded{}, err
	}
	token, err := jws.Parse(strings.TrimSpace(in.JWT), jws.Options{})
	if err != nil {
		return jwtDecoded{}, refuse(CodeJWT, "jwt is not a token that can be read").because(err)
	}
	claims, err := token.Claims()
	if err != nil {
		return jwtDecoded{}, refuse(CodeJWT, "jwt has no claims that can be read").because(err)
	}
	cert := certificateOf(in.Key)
	if cert == nil {
		return jwtDecoded{}, refuse(CodeBase64, "key is not a certificate")
	}
	info, err := g.described(ctx, c, asked{cert: cert, check: check})
	if err != nil {
		return jwtDecoded{}, err
	}
	out := jwtDecoded{done: ok(), Valid: info.Valid, outcome: *info.outcome}
	out.JWT.Header, out.JWT.Payload = token.Header.Raw, token.Payload
	if err := token.VerifyCertificate(cert, nil); err != nil {
		out.Valid = false
		out.worse(outcome{Indication: report.TotalFailed, SubIndication: report.SigCryptoFailure})
		out.add(c, report.ReasonSignatureWrong, err.Error())
	}
	if err := claims.Check(g.cfg.Now(), leeway); err != nil {
		out.Valid = false
		out.worse(outcome{Indication: report.Indeterminate, SubIndication: report.SigConstraintsFailure})
		out.add(c, report.ReasonOther, err.Error())
	}
	return out, nil
}
