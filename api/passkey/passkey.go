package passkey

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
)

// ErrAnswer says that an answer is none, or not one to the question.
var ErrAnswer = errors.New("the passkey's answer is not to this question")

// answerMax bounds an answer in bytes: those of real keys have one to three thousand.
const answerMax = 16 << 10

// errNoDomain: WebAuthn 5.1.3 knows domains alone.
var errNoDomain = errors.New("the public address is an IP address, for which no passkey answers")

// Party is the site for which passkeys answer. Safe for concurrent use.
type Party struct {
	web *webauthn.WebAuthn // nil where no passkey can answer
}

// New makes the party of a public address such as https://pay.example.kz. A passkey made for it answers to no other site, which
// is what stops look-alikes. An IP address has no passkeys: all questions fail with [ErrAnswer].
func New(baseURL string) (*Party, error) {
	u, err := url.Parse(baseURL)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the public address: %w", err)
	}
	if net.ParseIP(u.Hostname()) != nil {
		return &Party{}, nil
	}
	web, err := webauthn.New(&webauthn.Config{
		RPID: u.Hostname(), RPDisplayName: "qaqpa", RPOrigins: []string{u.Scheme + "://" + u.Host},
		AttestationPreference: protocol.PreferNoAttestation,
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't set up passkeys: %w", err)
	}
	return &Party{web: web}, nil
}

// Owner is whose passkeys are asked. Credentials are those that he has, as Added and SignedIn wrote them.
type Owner struct {
	Login, Name string
	Credentials []string
}

// owner is an Owner as the library wants him.
type owner struct {
	Owner
	credentials []webauthn.Credential
}

func (o owner) WebAuthnID() []byte                         { return []byte(o.Login) }
func (o owner) WebAuthnName() string                       { return o.Login }
func (o owner) WebAuthnDisplayName() string                { return o.Name }
func (o owner) WebAuthnCredentials() []webauthn.Credential { return o.credentials }

func (p *Party) owner(o Owner) (owner, error) {
	out := owner{Owner: o}
	if p.web == nil {
		return out, errors.Join(ErrAnswer, errNoDomain)
	}
	for _, raw := range o.Credentials {
		var c webauthn.Credential
		if err := json.Unmarshal([]byte(raw), &c); err != nil {
			return out, fmt.Errorf("couldn't read a credential: %w", err)
		}
		out.credentials = append(out.credentials, c)
	}
	return out, nil
}

// AskToAdd makes the question for a new passkey: options for the browser, and what Added needs to judge the answer.
func (p *Party) AskToAdd(o Owner) (options, question string, err error) {
	who, err := p.owner(o)
	if err != nil {
		return "", "", err
	}
	creation, session, err := p.web.BeginRegistration(
		who,
		webauthn.WithExclusions(webauthn.Credentials(who.credentials).CredentialDescriptors()),
		webauthn.WithResidentKeyRequirement(protocol.ResidentKeyRequirementDiscouraged),
	)
	if err != nil {
		return "", "", fmt.Errorf("couldn't ask for a passkey: %w", err)
	}
	return written(creation.Response, session)
}

// Added judges the answer and returns the passkey's id and what is kept of it. Errors: [ErrAnswer].
func (p *Party) Added(o Owner, question string, answer []byte) (id []byte, credential string, err error) {
	who, session, err := p.asked(o, question, answer)
	if err != nil {
		return nil, "", err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return nil, "", errors.Join(ErrAnswer, err)
	}
	c, err := p.web.CreateCredential(who, session, parsed)
	if err != nil {
		return nil, "", errors.Join(ErrAnswer, err)
	}
	return kept(c)
}

// AskToSignIn makes the question to the passkeys that the owner has.
func (p *Party) AskToSignIn(o Owner) (options, question string, err error) {
	who, err := p.owner(o)
	if err != nil {
		return "", "", err
	}
	assertion, session, err := p.web.BeginLogin(who)
	if err != nil {
		return "", "", fmt.Errorf("couldn't ask a passkey: %w", err)
	}
	return written(assertion.Response, session)
}

// SignedIn judges the answer and returns whose it is, with what is kept from now on. Errors: [ErrAnswer], also for a counter that went
// back, by which a copied key shows.
func (p *Party) SignedIn(o Owner, question string, answer []byte) (id []byte, credential string, err error) {
	who, session, err := p.asked(o, question, answer)
	if err != nil {
		return nil, "", err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return nil, "", errors.Join(ErrAnswer, err)
	}
	c, err := p.web.ValidateLogin(who, session, parsed)
	if err != nil {
		return nil, "", errors.Join(ErrAnswer, err)
	}
	if c.Authenticator.CloneWarning {
		return nil, "", errors.Join(ErrAnswer, errors.New("the counter of the passkey went back"))
	}
	return kept(c)
}

func (p *Party) asked(o Owner, question string, answer []byte) (owner, webauthn.SessionData, error) {
	var session webauthn.SessionData
	who, err := p.owner(o)
	if err != nil {
		return who, session, err
	}
	if len(answer) > answerMax {
		return who, session, ErrAnswer
	}
	if err := json.Unmarshal([]byte(question), &session); err != nil {
		return who, session, fmt.Errorf("couldn't read a question: %w", err)
	}
	return who, session, nil
}

func written(options, session any) (string, string, error) {
	first, err := json.Marshal(options)
	second, err2 := json.Marshal(session)
	if err := errors.Join(err, err2); err != nil {
		return "", "", fmt.Errorf("couldn't write a question: %w", err)
	}
	return string(first), string(second), nil
}

func kept(c *webauthn.Credential) ([]byte, string, error) {
	raw, err := json.Marshal(c)
	if err != nil {
		return nil, "", fmt.Errorf("couldn't write a credential: %w", err)
	}
	return c.ID, string(raw), nil
}
