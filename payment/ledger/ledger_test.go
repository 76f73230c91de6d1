package ledger

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"qaqpa/payment/canon"
	"qaqpa/payment/money"
)

func transfer() Transfer {
	return Transfer{
		ID: "trf_1", Debt: "dbt_1", Debit: BankDue("TSESKZKA"), Credit: BeneficiaryDue("agc_1", "108125"),
		Amount: money.FromTiyn(540600),
	}
}

func TestTransferRefuses(t *testing.T) {
	if err := transfer().Check(); err != nil {
		t.Fatalf("a good transfer is refused: %v", err)
	}
	for name, spoil := range map[string]func(*Transfer){
		"zero":       func(t *Transfer) { t.Tiyn = 0 },
		"negative":   func(t *Transfer) { t.Tiyn = -1 },
		"currency":   func(t *Transfer) { t.Currency = "USD" },
		"to itself":  func(t *Transfer) { t.Credit = t.Debit },
		"no account": func(t *Transfer) { t.Debit = "" },
		"odd kind":   func(t *Transfer) { t.Debit = "pocket:mine:due" },
		"empty part": func(t *Transfer) { t.Credit = BeneficiaryDue("", "108125") },
		"no id":      func(t *Transfer) { t.ID = "" },
		"no debt":    func(t *Transfer) { t.Debt = "" },
	} {
		t.Run(name, func(t *testing.T) {
			x := transfer()
			spoil(&x)
			if err := x.Check(); !errors.Is(err, ErrTransfer) {
				t.Errorf("accepted, or wrong error: %v", err)
			}
		})
	}
}

// Whatever is posted in whatever order, money is neither made nor lost.
func TestBalancesSumToZero(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		balances := Balances{}
		account := rapid.SampledFrom([]Account{
			BankDue("TSESKZKA"), BankDue("CASPKZKA"), BeneficiaryDue("agc_1", "108125"), BeneficiaryDue("agc_2", "108126"),
		})
		for range rapid.IntRange(0, 50).Draw(t, "n") {
			x := Transfer{ID: "t", Debt: "d", Debit: account.Draw(t, "debit"), Credit: account.Draw(t, "credit"), Amount: money.FromTiyn(rapid.Int64().Draw(t, "amount"))}
			if x.Check() != nil {
				continue
			}
			if err := balances.Add(x); err != nil && !errors.Is(err, money.ErrOverflow) {
				t.Fatal(err)
			}
			var sum int64
			for _, b := range balances {
				sum += b
			}
			if sum != 0 {
				t.Fatalf("sum is %d after %+v", sum, x)
			}
		}
	})
}

func entry(seq int64) Entry {
	return Entry{
		Type: EntryType, Version: EntryVersion, Bucket: 7, Seq: seq, Order: "ord_1", Attempt: "att_1",
		DocumentSHA256: "aa", PayerSHA256: PayerCommitment("00", "900101300017"), Bank: "TSESKZKA", BankReference: "r",
		ExecutedAt: "2026-03-01T00:00:00Z", RecordedAt: "2026-03-01T00:00:01Z",
		Amount: money.FromTiyn(540600), Transfers: []Transfer{transfer()},
	}
}

func TestEntryRefuses(t *testing.T) {
	leaf, err := entry(3).Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := DecodeEntry(leaf)
	if err != nil || back.Seq != 3 || len(back.Transfers) != 1 {
		t.Fatalf("read back as %+v (%v)", back, err)
	}
	for name, spoil := range map[string]func(*Entry){
		"type":         func(e *Entry) { e.Type = "gift" },
		"version":      func(e *Entry) { e.Version = 2 },
		"bucket":       func(e *Entry) { e.Bucket = Buckets },
		"seq":          func(e *Entry) { e.Seq = -1 },
		"no order":     func(e *Entry) { e.Order = "" },
		"no payer":     func(e *Entry) { e.PayerSHA256 = "" },
		"no transfers": func(e *Entry) { e.Transfers = nil },
		"sum":          func(e *Entry) { e.Tiyn++ },
		"twice":        func(e *Entry) { e.Transfers = append(e.Transfers, transfer()); e.Tiyn *= 2 },
	} {
		t.Run(name, func(t *testing.T) {
			e := entry(3)
			spoil(&e)
			if _, err := e.Encode(); !errors.Is(err, ErrJournal) {
				t.Errorf("accepted, or wrong error: %v", err)
			}
		})
	}
	if _, err := DecodeEntry(append([]byte(" "), leaf...)); !errors.Is(err, ErrJournal) {
		t.Errorf("another spelling of the leaf was taken: %v", err)
	}
}

func TestChainSeesEveryChange(t *testing.T) {
	start := ChainStart(7)
	if start == ChainStart(8) {
		t.Error("two buckets start alike")
	}
	ab := ChainNext(ChainNext(start, []byte("a")), []byte("b"))
	ba := ChainNext(ChainNext(start, []byte("b")), []byte("a"))
	if ab == ba || ab == ChainNext(start, []byte("ab")) {
		t.Error("the chain does not see order or borders")
	}
}

func FuzzDecodeEntry(f *testing.F) {
	leaf, err := entry(3).Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(leaf)
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := DecodeEntry(data)
		if err != nil {
			return
		}
		again, err := e.Encode()
		if err != nil || string(again) != string(data) {
			t.Fatalf("%q renders as %q (%v)", data, again, err)
		}
	})
}

// The quick encoding has the bytes of the canonical one, whatever the texts hold.
func TestEncodeIsCanonical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := entry(rapid.Int64Range(0, 1<<40).Draw(t, "seq"))
		e.BankReference = rapid.StringN(1, 40, -1).Draw(t, "reference")
		e.Order, e.Bank = rapid.StringN(1, 20, -1).Draw(t, "order"), rapid.SampledFrom([]string{"TSESKZKA", "<&>\u2028", "ә\"\\"}).Draw(t, "bank")
		want, err := canon.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := e.Encode(); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%v\n got %s\nwant %s", err, got, want)
		}
	})
}
