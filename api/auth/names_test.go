package auth

import (
	"strings"
	"testing"
)

// A name comes with the sign-in, whichever came first, the right or the session; two people of one name and one subject are told apart.
func TestNamesOfPeople(t *testing.T) {
	b := setup(t)
	grant := func(kind Kind, subject, iin string) Member {
		t.Helper()
		m, err := b.Grant(t.Context(), Member{Kind: kind, Subject: subject, BIN: someBIN, IIN: iin, Role: Editor}, "operator:test")
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	enter := func(iin, name string) Session {
		t.Helper()
		token, _, err := b.Challenge(t.Context(), "https://pay.example.kz")
		if err != nil {
			t.Fatal(err)
		}
		_, s, err := b.SignIn(t.Context(), token, Person{IIN: iin, BIN: someBIN, Name: name}, ByEDS, "127.0.0.1")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	names := func(actors ...string) map[string]Known {
		t.Helper()
		out, err := b.NamesOf(t.Context(), actors)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	first, second := grant(Operator, "ops", "850101300019"), grant(Operator, "ops", "900101300018")
	if got := names(first.Actor(), "operator:ops", "citizen:"+"850101300019"); len(got) != 0 {
		t.Errorf("names of people who never came: %v", got)
	}
	enter("850101300019", "АХМЕТОВА АЙГҮЛ")
	session := enter("900101300018", "ОМАРОВ ЕРБОЛ")
	got := names(first.Actor(), second.Actor(), "operator:ops", "citizen:"+"900101300018", "citizen:"+"910101300017", "gateway:x", "", "/", "agency:x/mbr_none")
	want := map[string]Known{first.Actor(): {"АХМЕТОВА АЙГҮЛ", "ops"}, second.Actor(): {"ОМАРОВ ЕРБОЛ", "ops"}, "citizen:" + "900101300018": {Name: "ОМАРОВ ЕРБОЛ"}}
	if len(got) != len(want) {
		t.Errorf("got %v", got)
	}
	for actor, k := range want {
		if got[actor] != k {
			t.Errorf("%s is %v, not %v", actor, got[actor], k)
		}
	}
	// A right that was given while its owner was signed in has his name as soon as he comes to the page.
	late := grant(Bank, "KOPRKZKA", "900101300018")
	if _, err := b.MembershipsOf(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	if got := names(late.Actor()); got[late.Actor()].Name != "ОМАРОВ ЕРБОЛ" {
		t.Errorf("got %v", got)
	}
	enter("900101300018", "АХМЕТОВА АЙГҮЛ") // the same name as the other one
	got = names(first.Actor(), second.Actor())
	one, two := got[first.Actor()].Name, got[second.Actor()].Name
	if one == two || !strings.HasPrefix(one, "АХМЕТОВА АЙГҮЛ …") || !strings.HasPrefix(two, "АХМЕТОВА АЙГҮЛ …") {
		t.Errorf("two people of one name are %q and %q", one, two)
	}
	if len(first.Actor()) > 128 || !strings.HasPrefix(first.Actor(), "operator:ops/mbr_") {
		t.Errorf("actor %q", first.Actor())
	}
	if got := names(make([]string, 5*maxNames)...); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}
