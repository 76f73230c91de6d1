package refund

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"qaqpa/payment/flow"
	"qaqpa/payment/ledger"
)

var update = flag.Bool("update", false, "write the drawing of the table")

func table(t *testing.T) flow.Table[State] {
	t.Helper()
	made, err := Transitions()
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// The drawing is what README shows.
func TestDrawing(t *testing.T) {
	path := filepath.Join("testdata", "refund.mmd")
	got := table(t).Draw()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the drawing differs from the table (-file +table):\n%s", diff)
	}
}

// Along every walk: the bank is reached through approval alone, is asked again only after it has denied, and the money that an
// approval holds is posted or released exactly once.
func TestWalks(t *testing.T) {
	transitions := table(t)
	events := []flow.Event{Approve, Book, Reject, Withdraw, Send, Resend, Lose, Deny, Confirm, Refuse}
	rapid.Check(t, func(t *rapid.T) {
		state, balances := transitions.Start(), ledger.Balances{}
		const tiyn = 500
		due := ledger.BeneficiaryDue("agc_1", "108125")
		post := func(leg ledger.Transfer) {
			if err := balances.Add(leg); err != nil {
				t.Fatal(err)
			}
		}
		approved, sent, denied := false, false, true
		for range rapid.IntRange(1, 14).Draw(t, "steps") {
			event := rapid.SampledFrom(events).Draw(t, "event")
			next, err := transitions.Next(state, event)
			if err != nil {
				continue
			}
			switch event {
			case Approve:
				approved = true
				post(HoldLeg(due, "TSESKZKA", "dbt_1", tiyn))
			case Send, Resend:
				if !approved || !denied {
					t.Fatalf("sent from %s", state)
				}
				sent, denied = true, false
			case Deny:
				denied = true
			case Confirm, Refuse:
				if !sent {
					t.Fatalf("%s before it was sent", event)
				}
				if event == Confirm {
					post(PostLeg("TSESKZKA", "dbt_1", tiyn))
				} else {
					post(ReleaseLeg(due, "TSESKZKA", "dbt_1", tiyn))
				}
			}
			state = next
		}
		want := ledger.Balances{}
		switch {
		case state.Holds():
			want[due], want[ledger.BankHeld("TSESKZKA")] = tiyn, -tiyn
		case state == Executed:
			want[due], want[ledger.BankRefunds("TSESKZKA")] = tiyn, -tiyn
		}
		for account, balance := range balances {
			if balance != want[account] {
				t.Fatalf("%s: %s has %d, want %d", state, account, balance, want[account])
			}
		}
	})
}

// Whatever is taken and given back, a share never lets out more than it has.
func TestShare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Share{Amount: rapid.Int64Range(1, 1000).Draw(t, "amount")}
		var taken []int64
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			if len(taken) > 0 && rapid.Bool().Draw(t, "give") {
				s = s.Give(PayBack, taken[0])
				taken = taken[1:]
				continue
			}
			item := Item{Tiyn: new(rapid.Int64Range(-5, 1100).Draw(t, "wanted"))}
			next, amount, err := s.Take(PayBack, item)
			if ok := *item.Tiyn > 0 && *item.Tiyn <= s.Left(); ok != (err == nil) {
				t.Fatalf("%d of %d: %v", *item.Tiyn, s.Left(), err)
			}
			if err == nil {
				taken = append(taken, amount)
			}
			s = next
		}
		var sum int64
		for _, n := range taken {
			sum += n
		}
		if s.Taken != sum || s.Left() < 0 || s.Left()+sum != s.Amount {
			t.Fatalf("%+v with %d taken", s, sum)
		}
	})
	s := Share{Amount: 100, Taken: 100}
	if _, _, err := s.Take(PayBack, Item{}); !errors.Is(err, ErrTooMuch) {
		t.Errorf("all of nothing: %v", err)
	}
	if _, _, err := s.Take(PayBack, Item{Left: new(int64(5))}); !errors.Is(err, ErrChanged) {
		t.Errorf("another amount seen: %v", err)
	}
	if after, amount, err := s.Take(Returned, Item{}); err != nil || amount != 100 || after.Returned != 100 || after.Taken != 100 {
		t.Errorf("a return takes nothing from what is left: %+v %v", after, err)
	}
}

func TestRequestCheck(t *testing.T) {
	good := func() Request {
		return Request{Kind: PayBack, Reason: "other", Comment: "x", Items: []Item{{Order: "o", Debt: "d"}}}
	}
	if err := good().Normal().Check(); err != nil {
		t.Fatal(err)
	}
	for field, change := range map[string]func(*Request){
		"kind":             func(r *Request) { r.Kind = "gift" },
		"reason":           func(r *Request) { r.Reason = "because" },
		"comment":          func(r *Request) { r.Comment = "" },
		"then":             func(r *Request) { r.Then = "forgotten" },
		"items":            func(r *Request) { r.Items = make([]Item, ItemsMax+1) },
		"items[0].amount":  func(r *Request) { r.Items[0].Tiyn = new(int64(0)) },
		"items[0].left":    func(r *Request) { r.Items[0].Left = new(int64(-1)) },
		"items[0].service": func(r *Request) { r.Items[0].Service = "s" },
		"items[0].target":  func(r *Request) { r.Items[0].Target = "t" },
		"items[1].debt":    func(r *Request) { r.Items = append(r.Items, r.Items[0]) },
	} {
		r := good().Normal()
		change(&r)
		var f *FieldError
		if err := r.Check(); !errors.As(err, &f) || f.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	r := good()
	r.Kind, r.Then = WrongKBK, Closed
	r.Items[0].Service = "s"
	if err := r.Normal().Check(); err == nil {
		t.Error("a wrong budget code has no aftermath")
	}
}
