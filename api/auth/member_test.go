package auth

import (
	"errors"
	"strings"
	"testing"
)

const (
	someIIN = "850101300019"
	someBIN = "060140000017"
)

func TestMembersActWithTheirOrganisationsCertificate(t *testing.T) {
	b := setup(t)
	m, err := b.Grant(t.Context(), Member{Kind: Agency, Subject: "agc_1", BIN: someBIN, IIN: someIIN, Role: Viewer}, "operator:test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Grant(t.Context(), Member{Kind: Agency, Subject: "agc_1", BIN: someBIN, IIN: someIIN, Role: Editor}, "operator:test"); !errors.Is(err, ErrMember) {
		t.Errorf("got %v", err)
	}
	session := func(iin, bin string) Session {
		return Session{ID: "ses_1", Way: ByEDS, Person: Person{IIN: iin, BIN: bin}}
	}
	for _, row := range []struct {
		who  Session
		want int
	}{
		{session(someIIN, someBIN), 1},
		{session(someIIN, ""), 0},             // his own certificate, not the agency's
		{session(someIIN, "060140000025"), 0}, // of another employer
		{session("900101300018", someBIN), 0}, // another employee
		{Session{Person: Person{IIN: someIIN, BIN: someBIN}}, 0},
	} {
		got, err := b.MembershipsOf(t.Context(), row.who)
		if err != nil || len(got) != row.want {
			t.Errorf("%+v: %v %v", row.who.Person, got, err)
		}
	}
	if err := b.RevokeMember(t.Context(), m.ID, "operator:test"); err != nil {
		t.Fatal(err)
	}
	if err := b.RevokeMember(t.Context(), m.ID, "operator:test"); !errors.Is(err, ErrMember) {
		t.Errorf("got %v", err)
	}
	if got, err := b.MembershipsOf(t.Context(), session(someIIN, someBIN)); err != nil || len(got) != 0 {
		t.Errorf("%v %v", got, err)
	}
	if _, err := b.Grant(t.Context(), m, "operator:test"); err != nil {
		t.Errorf("a right that was ended cannot be given again: %v", err)
	}
	if list, err := b.Members(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("%v %v", list, err)
	}
	if got := strings.Join(b.audit.entries, "\n"); !strings.Contains(got, "member.granted") || !strings.Contains(got, "member.revoked") {
		t.Errorf("audit is %s", got)
	}
}

func TestRightsThatMakeNoSense(t *testing.T) {
	b := setup(t)
	good := Member{Kind: Bank, Subject: "KOPRKZKA", BIN: someBIN, IIN: someIIN, Role: Viewer}
	for name, change := range map[string]func(*Member){
		"kind": func(m *Member) { m.Kind = Portal }, "role": func(m *Member) { m.Role = "god" }, "support of a bank": func(m *Member) { m.Role = Support },
		"IIN": func(m *Member) { m.IIN = "1" }, "BIN": func(m *Member) { m.BIN = "" }, "subject": func(m *Member) { m.Subject = "" },
	} {
		m := good
		change(&m)
		if _, err := b.Grant(t.Context(), m, "operator:test"); err == nil {
			t.Errorf("%s: granted", name)
		}
	}
	if _, err := b.Grant(t.Context(), good, ""); err == nil {
		t.Error("granted by nobody")
	}
}

func TestLooksAreExplainedAndKept(t *testing.T) {
	b := setup(t)
	for _, reason := range []string{"", "    ", "why", strings.Repeat("x", 201)} {
		if err := b.NoteLook(t.Context(), Look{IIN: someIIN, Actor: "citizen:1", Reason: reason}); !errors.Is(err, ErrReason) {
			t.Errorf("%q: %v", reason, err)
		}
	}
	for _, reason := range []string{"call 4711", "call 4712"} {
		if err := b.NoteLook(t.Context(), Look{IIN: someIIN, Actor: "citizen:1", Name: "ӘЛІ", Organisation: "Қақпа", Reason: reason}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := b.LooksAt(t.Context(), someIIN)
	if err != nil || len(got) != 2 || got[0].Reason != "call 4712" || got[1].Name != "ӘЛІ" {
		t.Errorf("%+v %v", got, err)
	}
	if got, err := b.LooksAt(t.Context(), "900101300018"); err != nil || len(got) != 0 {
		t.Errorf("%+v %v", got, err)
	}
}
