package auth

import (
	"errors"
	"strings"
	"testing"
)

func (b *bundle) ticket(t *testing.T, want error) Ticket {
	t.Helper()
	got, err := b.Ticket(t.Context(), "qr")
	if !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
	return got
}

func TestTickets(t *testing.T) {
	b := setup(t)
	challenge := b.challenge(t)
	subject, err := ChallengeSubject(challenge)
	if err != nil {
		t.Fatal(err)
	}
	if token := TicketToken(challenge, TicketSignIn, subject); len(token) != 32 || strings.Contains(challenge, token) || token == TicketToken(challenge, TicketOrder, subject) {
		t.Errorf("odd token %s", token)
	}
	b.ticket(t, ErrNoTicket)
	if err := b.OpenTicket(t.Context(), "qr", Ticket{Purpose: TicketSignIn, Subject: subject}); err != nil {
		t.Fatal(err)
	}
	got := b.ticket(t, nil)
	if document, err := b.TicketChallenge(t.Context(), got); err != nil || !strings.Contains(string(document), "nonce") {
		t.Errorf("%s %v", document, err)
	}
	if _, err := TicketPerson(got); !errors.Is(err, ErrNoTicket) {
		t.Errorf("nobody has signed yet: %v", err)
	}
	if err := b.MarkTicket(t.Context(), "qr", TicketRefused, "sign_in_refused", Person{}); err != nil {
		t.Fatal(err)
	}
	if err := b.MarkTicket(t.Context(), "qr", TicketSigned, "", visitor()); err != nil {
		t.Fatal(err)
	}
	// The attack: another phone signs the code after the first one did.
	if err := b.MarkTicket(t.Context(), "qr", TicketSigned, "", Person{IIN: someIIN}); !errors.Is(err, ErrNoTicket) {
		t.Errorf("got %v", err)
	}
	if err := b.OpenTicket(t.Context(), "qr", Ticket{Purpose: TicketSignIn, Subject: subject}); err != nil {
		t.Fatal(err)
	}
	got = b.ticket(t, nil)
	if who, err := TicketPerson(got); err != nil || who.IIN != visitor().IIN || got.Refusal != "" {
		t.Errorf("%+v %v", who, err)
	}
	for _, other := range []Ticket{{Purpose: TicketOrder, Subject: subject}, {Purpose: TicketSignIn, Subject: "x"}, {Purpose: TicketSignIn}} {
		if _, err := b.TicketChallenge(t.Context(), other); !errors.Is(err, ErrNoChallenge) {
			t.Errorf("%+v: %v", other, err)
		}
	}
	b.now = b.now.Add(ticketLife)
	b.ticket(t, ErrNoTicket)
	if err := b.MarkTicket(t.Context(), "qr", TicketFetched, "", Person{}); !errors.Is(err, ErrNoTicket) {
		t.Errorf("got %v", err)
	}
}
