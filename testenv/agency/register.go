package agency

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"qaqpa/testenv/fault"
	"qaqpa/testenv/pki"
)

const onRegister = "register"

// Kinds of faults of POST /register, beside those in which nothing is read.
const (
	FaultOtherSigner    = "other_signer"    // signed by Config.OtherSigner
	FaultBadSignature   = "bad_signature"   // the signature is broken
	FaultOtherQuestion  = "other_question"  // the answer is to another question
	FaultOtherPayer     = "other_payer"     // the answer is about somebody else
	FaultOldData        = "old_data"        // as_of is two days ago
	FaultHugeAnswer     = "huge_answer"     // 4 MiB
	FaultUnsignedAnswer = "unsigned_answer" // bare JSON
)

// Owing is a debt in the agency's register, as answers state it.
type Owing struct {
	Payer     string `json:"-"`
	Owes      string `json:"payer,omitempty"` // Payer, in answers about a number
	Unlinked  bool   `json:"-"`               // the register finds it by its number alone
	Reference string `json:"reference"`
	Service   string `json:"service"`
	Amount    int64  `json:"amount,omitempty"`
	Purpose   string `json:"purpose,omitempty"`
	DueOn     string `json:"due_on,omitempty"`
}

// Keep replaces the register.
func (a *Agency) Keep(debts ...Owing) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.register = slices.Clone(debts)
}

// Asked counts the questions that the register got.
func (a *Agency) Asked() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked
}

type registerAnswer struct {
	Type      string  `json:"type"`
	Question  string  `json:"question"`
	Agency    string  `json:"agency"`
	Payer     string  `json:"payer,omitempty"`
	Reference string  `json:"reference,omitempty"`
	AsOf      string  `json:"as_of"`
	Debts     []Owing `json:"debts"`
}

// postRegister answers a question that the gateway has sealed: what openssl does not verify is answered 401.
func (a *Agency) postRegister(w http.ResponseWriter, r *http.Request) {
	f, _ := a.faults.Take(onRegister)
	a.mu.Lock()
	a.asked++
	a.mu.Unlock()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxWebhook))
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	if stopsBefore(w, r, f) {
		return
	}
	content, output, err := a.VerifyReceipt(r.Context(), body)
	if err != nil {
		http.Error(w, output, http.StatusUnauthorized)
		return
	}
	var asked struct {
		Type, Question, Agency, Payer, Reference string
	}
	if err := json.Unmarshal(content, &asked); err != nil || asked.Type != "debts-question" {
		http.Error(w, "not a question", http.StatusBadRequest)
		return
	}
	answer := registerAnswer{
		Type: "debts-answer", Question: asked.Question, Agency: asked.Agency, Payer: asked.Payer, Reference: asked.Reference,
		AsOf: a.cfg.Now().UTC().Format(time.RFC3339), Debts: a.owed(asked.Payer),
	}
	if asked.Reference != "" {
		answer.Debts = a.numbered(asked.Reference)
	}
	a.send(w, f, answer)
}

func (a *Agency) owed(payer string) []Owing {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := []Owing{}
	for _, o := range a.register {
		if o.Payer == payer && !o.Unlinked {
			out = append(out, o)
		}
	}
	return out
}

// numbered is the debt that has a number, with who owes it.
func (a *Agency) numbered(reference string) []Owing {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, o := range a.register {
		if o.Reference == reference {
			o.Owes = o.Payer
			return []Owing{o}
		}
	}
	return []Owing{}
}

// send signs an answer, or spoils it.
func (a *Agency) send(w http.ResponseWriter, f fault.Fault, answer registerAnswer) {
	signer, o := a.cfg.Signer, pki.CMSOptions{CorruptSignature: f.Kind == FaultBadSignature}
	switch f.Kind {
	case FaultOtherSigner:
		signer = a.cfg.OtherSigner
	case FaultOtherQuestion:
		answer.Question = "qst_other"
	case FaultOtherPayer:
		answer.Payer = "000000000000"
	case FaultOldData:
		answer.AsOf = a.cfg.Now().UTC().AddDate(0, 0, -2).Format(time.RFC3339)
	}
	raw, err := json.Marshal(answer)
	if err == nil && signer == nil {
		err = errors.New("the agency has no signer")
	}
	if err == nil && f.Kind != FaultUnsignedAnswer {
		raw, err = signer.SignCMS(raw, o)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if f.Kind == FaultHugeAnswer {
		raw = append(raw, make([]byte, 4<<20)...)
	}
	w.Header().Set("Content-Type", "application/pkcs7-mime")
	w.Write(raw) //nolint:errcheck // the client is gone
}
