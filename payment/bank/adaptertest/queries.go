package adaptertest

import "testing"

// Fact is something that a bank is asked.
type Fact string

// Facts, each with its truth.
const (
	OwnAccount     Fact = "account of the person"
	ForeignAccount Fact = "account of somebody else"
	Pledged        Fact = "pledged property"
	Free           Fact = "free property"
	Paid           Fact = "executed payment"
)

// Spoilt is how an answer is spoilt.
type Spoilt string

// Ways to spoil an answer.
const (
	Whole       Spoilt = ""
	Silent      Spoilt = "no answer"
	Stranger    Spoilt = "signed by another bank"
	Broken      Spoilt = "signature broken"
	Unsigned    Spoilt = "not signed"
	AnotherBank Spoilt = "of another bank"
)

// Told is what a query became.
type Told struct {
	// Answered, else Problem tells why not.
	Answered bool
	Problem  string
	// Yes is the bank's word: belongs, pledged, executed. nil without an answer.
	Yes *bool
	// Agrees with what the gateway has stored, of payments alone.
	Agrees *bool
}

// Inquirer is a gateway with a bank that answers queries. Its methods fail the test themselves when something breaks.
type Inquirer interface {
	// Ask asks about a fact; the bank's answer is spoilt so.
	Ask(Fact, Spoilt) Told
	// Misstate lets the bank tell another amount of the payment in its next answer.
	Misstate()
}

// RunQueries holds a bank that answers queries to the rules: the truth is told as such, nothing but the bank's own signed word about what
// was asked is believed, silence is no "no", and a payment that differs from what is stored is told to differ.
func RunQueries(t *testing.T, start func(t *testing.T) Inquirer) {
	t.Helper()
	w := start(t)
	truth := map[Fact]bool{OwnAccount: true, ForeignAccount: false, Pledged: true, Free: false, Paid: true}
	told := func(fact Fact) {
		t.Helper()
		got := w.Ask(fact, Whole)
		if !got.Answered || got.Yes == nil || *got.Yes != truth[fact] || got.Problem != "" {
			t.Errorf("%s: %+v", fact, got)
		}
		if (got.Agrees != nil) != (fact == Paid) || (got.Agrees != nil && !*got.Agrees) {
			t.Errorf("%s: agrees %v", fact, got.Agrees)
		}
	}
	for fact := range truth {
		told(fact)
		for spoilt, problem := range map[Spoilt]string{
			Silent: "no_answer", Stranger: "signed_by_another", Broken: "signature_invalid", Unsigned: "signature_invalid", AnotherBank: "answer_invalid",
		} {
			if got := w.Ask(fact, spoilt); got.Answered || got.Yes != nil || got.Agrees != nil || got.Problem != problem {
				t.Errorf("%s, %s: %+v", fact, spoilt, got)
			}
		}
		told(fact)
	}
	w.Misstate()
	if got := w.Ask(Paid, Whole); !got.Answered || got.Agrees == nil || *got.Agrees {
		t.Errorf("another amount: %+v", got)
	}
}
