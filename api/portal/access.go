package portal

import (
	"encoding/hex"
	"time"

	"qaqpa/api/auth"
	"qaqpa/api/auth/totp"
	"qaqpa/api/egovqr"
)

// SignIn is the page on which people sign in.
type SignIn struct {
	Frame
	// Key makes asking for a code twice the same as once.
	Key     string
	IIN     string // of a form that comes back
	Message *Message
}

// RenderSignIn makes the page of sign-in: by NCALayer, by eGov Mobile, by a code.
func (p *Pages) RenderSignIn(v SignIn) ([]byte, error) {
	m := struct {
		frame
		signing
		Key     string
		Filled  string
		Message *Message
	}{
		p.frame(v.Frame, "signin"),
		signing{Action: "/sign-in", DocumentURL: "/sign-in/challenge", DocumentName: "sign-in.txt"},
		v.Key, v.IIN, v.Message,
	}
	m.Script = true
	return p.render("signin", m)
}

// SignInCode is the page on which people enter the code that came to their phone.
type SignInCode struct {
	Frame
	// Key is for a new code, Challenge names the one that was sent.
	Key, IIN, Challenge string
	Message             *Message
}

// RenderSignInCode makes that page. It says the same whether a code was sent or nobody has confirmed a phone for this IIN.
func (p *Pages) RenderSignInCode(v SignInCode) ([]byte, error) {
	m := struct {
		frame
		Key, IIN, Challenge string
		Message             *Message
	}{p.frame(v.Frame, "signin"), v.Key, v.IIN, v.Challenge, v.Message}
	return p.render("signincode", m)
}

// MobileSign is the page that waits for eGov Mobile.
type MobileSign struct {
	Frame
	// Address is where the phone asks; empty when the time of the code is over.
	Address string
	// Purpose is sign-in, order or mandate; Back leads away without signing, and Again makes a new code.
	Purpose, Back, Again string
	// Fetched says that a phone has read what it signs.
	Fetched bool
	Until   time.Time
	Message *Message
}

// RenderMobileSign makes that page. It loads itself again until the phone has answered; closing it changes nothing.
func (p *Pages) RenderMobileSign(v MobileSign) ([]byte, error) {
	m := struct {
		frame
		Purpose, Text, Back, Again, Link, Until string
		Open, Fetched                           bool
		QR                                      qrCode
		Message                                 *Message
	}{frame: p.frame(v.Frame, "mobilesign"), Purpose: v.Purpose, Back: v.Back, Again: v.Again, Open: v.Address != "", Fetched: v.Fetched, Message: v.Message}
	m.Text, m.Until = m.T("text."+v.Purpose), m.Date(v.Until)
	if m.Open {
		m.Link, m.Refresh = egovqr.Link(v.Address), waitSeconds
		var err error
		if m.QR, err = drawQR(egovqr.Code(v.Address)); err != nil {
			return nil, err
		}
	}
	return p.render("mobilesign", m)
}

// Operators is the page on which the operator's people sign in by password.
type Operators struct {
	Frame
	Login   string
	Message *Message
}

// RenderOperators makes that page.
func (p *Pages) RenderOperators(v Operators) ([]byte, error) {
	m := struct {
		frame
		Login   string
		Message *Message
	}{p.frame(v.Frame, "access"), v.Login, v.Message}
	return p.render("operators", m)
}

// Enrol is the page on which an invited person chooses a password, and then sees the seed of the second factor.
type Enrol struct {
	Frame
	Login   string
	Seed    []byte // nil before the password was taken
	Message *Message
}

// RenderEnrol makes that page.
func (p *Pages) RenderEnrol(v Enrol) ([]byte, error) {
	m := struct {
		frame
		Login, Seed, Link string
		QR                qrCode
		Message           *Message
	}{frame: p.frame(v.Frame, "access"), Login: v.Login, Message: v.Message}
	if v.Seed != nil {
		m.Seed, m.Link = totp.Text(v.Seed), totp.URI(v.Seed, "qaqpa", v.Login)
		var err error
		if m.QR, err = drawQR(m.Link); err != nil {
			return nil, err
		}
	}
	return p.render("enrol", m)
}

// AskPasskey is the page that asks a passkey.
type AskPasskey struct {
	Frame
	// Options are for the browser, Question names what the answer is held against.
	Options, Question string
	// Adds says that the passkey is new, under Name; otherwise it signs in.
	Adds bool
	Name string
}

// RenderAskPasskey makes that page.
func (p *Pages) RenderAskPasskey(v AskPasskey) ([]byte, error) {
	m := struct {
		frame
		Options, Question, Name, Action, Back string
		Adds                                  bool
	}{p.frame(v.Frame, "access"), v.Options, v.Question, v.Name, "/operators/passkey", "/operators", v.Adds}
	if v.Adds {
		m.Action, m.Back = "/console/security/added", "/console/security"
	}
	m.Module = "/operators/passkey.js"
	return p.render("passkey", m)
}

// Security is the page of a person's own account.
type Security struct {
	Frame
	Account  auth.Account
	Passkeys []auth.Passkey
	Message  *Message
}

type passkeyRow struct{ ID, Name, At string }

// RenderSecurity makes that page.
func (p *Pages) RenderSecurity(v Security) ([]byte, error) {
	m := struct {
		frame
		Login   string
		Rows    []passkeyRow
		Message *Message
	}{frame: p.frame(v.Frame, "access"), Login: v.Account.Login, Message: v.Message}
	for _, k := range v.Passkeys {
		m.Rows = append(m.Rows, passkeyRow{hex.EncodeToString(k.ID), k.Name, m.Date(k.AddedAt)})
	}
	return p.render("security", m)
}
