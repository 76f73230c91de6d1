package api

import (
	"bytes"
	"context"
	"net/http"
	"strings"

	"qaqpa/api/auth"
	"qaqpa/api/portal"
	"qaqpa/signer"
)

// signInPage shows the form. The challenge is made when its bytes are asked for, so that looking at the page costs the
// database nothing.
func (s *Server) signInPage(ctx context.Context, r *request) (*response, error) {
	who, err := s.visitor(ctx, r)
	if err != nil {
		return nil, err
	}
	if who.Known() {
		return seeOther("/cabinet"), nil
	}
	return s.signInForm(r, nil)
}

// signInForm shows the form again, with what went wrong.
func (s *Server) signInForm(r *request, refused error) (*response, error) {
	v, status := portal.SignIn{Frame: s.frame(r, auth.Session{}), Key: newID()}, http.StatusOK
	v.Address = "/sign-in"
	if refused != nil {
		m, st := s.message(r, refused)
		v.Message, status = &m, st
	}
	body, err := s.pages.RenderSignIn(v)
	resp, err := s.show(r, status, body, err)
	if err == nil {
		resp.set("Content-Security-Policy", signingPolicy)
	}
	if err == nil && refused != nil {
		resp.code, resp.err = classify(refused).code, refused
	}
	return resp, err
}

// signInChallenge gives the bytes to sign, the same ones until they are used or too old.
func (s *Server) signInChallenge(ctx context.Context, r *request) (*response, error) {
	if document, err := s.cfg.Keys.PendingChallenge(ctx, find(r.cookies, cookieChallenge)); err == nil {
		return textFile(document), nil
	}
	if !s.public.allow(r.remote, s.cfg.Now()) {
		return nil, refuse(codeTooMany)
	}
	token, document, err := s.cfg.Keys.Challenge(ctx, s.cfg.BaseURL)
	if err != nil {
		return nil, err
	}
	resp := textFile(document)
	s.setCookie(resp, cookieChallenge, token)
	return resp, nil
}

func textFile(document []byte) *response {
	return &response{status: http.StatusOK, contentType: typeText + "; charset=utf-8", body: document}
}

// signIn judges the signature over the challenge of this browser and begins a session of the one who signed.
func (s *Server) signIn(ctx context.Context, r *request) (*response, error) {
	token := find(r.cookies, cookieChallenge)
	resp, err := func() (*response, error) {
		cms, err := signatureOf(r)
		if err != nil {
			return nil, err
		}
		document, err := s.cfg.Keys.PendingChallenge(ctx, token)
		if err != nil {
			return nil, err
		}
		who, err := s.signerOf(ctx, cms, document)
		if err != nil {
			return nil, err
		}
		session, _, err := s.cfg.Keys.SignIn(ctx, token, who, auth.ByEDS, r.from())
		if err != nil {
			return nil, err
		}
		return s.entered(session, "/cabinet"), nil
	}()
	if err != nil {
		return s.signInForm(r, err)
	}
	return resp, nil
}

// signatureOf takes a signature out of a form: as NCALayer gave it, or as an uploaded file.
func signatureOf(r *request) ([]byte, error) {
	form, err := readForm(r, "cms", "file")
	if err != nil {
		return nil, err
	}
	cms := form["cms"]
	if len(bytes.TrimSpace(cms)) == 0 {
		cms = form["file"]
	}
	if len(cms) == 0 {
		return nil, refuse(codeSignatureMissing)
	}
	return cms, nil
}

// signerOf says who signed exactly these bytes. One signer, for otherwise it would be open whose session begins.
func (s *Server) signerOf(ctx context.Context, cms, document []byte) (auth.Person, error) {
	verdict, err := s.judge(ctx, signer.ValidateRequest{Document: cms, Detached: document})
	if err != nil {
		return auth.Person{}, err
	}
	// The attack: a signature with content of its own is no signature over ours.
	if verdict.Content != nil && !bytes.Equal(verdict.Content, document) {
		return auth.Person{}, refuse(codeChallengeOther)
	}
	if !verdict.Passed() || len(verdict.Signatures) != 1 || verdict.Signatures[0].Signer == nil {
		p := refuse(codeSignInRefused)
		for _, sig := range verdict.Signatures {
			for _, reason := range sig.Reasons {
				p.reasons = append(p.reasons, string(reason.Code))
			}
		}
		return auth.Person{}, p
	}
	c := verdict.Signatures[0].Signer
	if c.IIN == "" {
		return auth.Person{}, refuse(codeNoPerson)
	}
	who := auth.Person{
		IIN: c.IIN, BIN: c.BIN, Name: strings.TrimSpace(c.Name), Organisation: c.Organisation, Kind: c.Kind, CertificateSHA256: c.CertificateSHA256,
	}
	for _, role := range c.Roles {
		who.Roles = append(who.Roles, role.Code)
	}
	return who, nil
}

func (s *Server) signOut(ctx context.Context, r *request) (*response, error) {
	if err := s.cfg.Keys.EndSession(ctx, find(r.cookies, cookieSession)); err != nil {
		return nil, err
	}
	resp := seeOther("/")
	s.setCookie(resp, cookieSession, "")
	return resp, nil
}
