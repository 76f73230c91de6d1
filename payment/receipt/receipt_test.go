package receipt

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/ledger"
	"qaqpa/payment/money"
)

const origin = "journal.qaqpa.test"

// issue makes a receipt of n items in a journal of its own, and the key that opens its checkpoint.
func issue(tb testing.TB, n int) (Core, note.Verifiers) {
	tb.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	c := Core{
		Type: Type, Version: Version, ID: "rcp_2a0197f0c0ffee7a8b9c0d1e2f30415263", Code: "58Z3-0000-0000-0001", Order: "ord_2a0197f0c0ffee7a8b9c0d1e2f30415264",
		Payer: debt.Payer{ID: "900101300017", Name: "ҚҰРМАНҒАЛИЕВА ӘСЕЛ ІҢКӘРҚЫЗЫ"},
		Bank:  Bank{BIC: "TSESKZKA", Name: "«Үлгі Банк» АҚ"}, BankReference: "REF-2026-000001",
		ExecutedAt: "2026-03-01T07:00:00.123456Z", IssuedAt: "2026-03-01T07:00:02Z",
		PDFSHA256: strings.Repeat("0", 64), DocumentSHA256: strings.Repeat("1", 64), Nonce: strings.Repeat("2", 32),
		Issuer: Issuer{
			Name: Texts{KK: "«Электрондық төлемдер» АҚ", RU: "АО «Электронные платежи»", EN: "Electronic Payments JSC"},
			BIN:  "990140000047", URL: "https://qaqpa.example.kz",
		},
	}
	entry := ledger.Entry{
		Type: ledger.EntryType, Version: ledger.EntryVersion, Bucket: 42, Seq: 0, Order: c.Order, Attempt: "att_1",
		DocumentSHA256: c.DocumentSHA256, PayerSHA256: ledger.PayerCommitment(c.Nonce, c.Payer.ID), Bank: c.Bank.BIC,
		BankReference: c.BankReference, ExecutedAt: c.ExecutedAt, RecordedAt: c.IssuedAt,
	}
	for i := range n {
		item := Item{
			Debt: "dbt_" + string(rune('a'+i)), Reference: "ЖКҚ-2026/00017", Transfer: "trf_" + string(rune('a'+i)), Service: "svc_1",
			ServiceName: Texts{KK: "Жүргізуші куәлігін беру", RU: "Выдача водительского удостоверения", EN: "Driving licence"},
			Agency:      "agc_1", AgencyName: Texts{KK: "Ішкі істер министрлігі", RU: "Министерство внутренних дел", EN: "Ministry of Internal Affairs"},
			Beneficiary: catalog.Beneficiary{Name: "РГУ «УГД по Тестовому району»", BIN: "990140000017", Account: "KZ24070105KSN0000000", BIC: "KKMFKZ2A"},
			KBK:         "108125", KNP: "911", KBE: "11", Amount: money.FromTiyn(540600),
			Basis: catalog.Basis{Kind: catalog.MRPRate, Rate: "1.25", MRP: 432500, Rounding: money.HalfUpTenge, On: "2026-03-01"},
		}
		c.Items = append(c.Items, item)
		entry.Transfers = append(entry.Transfers, ledger.Transfer{
			ID: item.Transfer, Debt: item.Debt, Debit: ledger.BankDue(c.Bank.BIC), Credit: ledger.BeneficiaryDue("agc_1", "108125"), Amount: item.Amount,
		})
		c.Amount, err = money.FromTiyn(c.Tiyn).Plus(item.Amount)
		if err != nil {
			tb.Fatal(err)
		}
	}
	entry.Amount = c.Amount
	return prove(tb, c, entry, key)
}

func prove(tb testing.TB, c Core, entry ledger.Entry, key ed25519.PrivateKey) (Core, note.Verifiers) {
	tb.Helper()
	must := func(err error) {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
	}
	leaf, err := entry.Encode()
	must(err)
	nodes := ledger.Nodes{}
	_, err = ledger.Grow(nodes, 0, leaf)
	must(err)
	root, err := ledger.RootOf(1, nodes)
	must(err)
	heads := ledger.NewHeads()
	heads[42] = ledger.Head{Size: 1, Root: root}
	top, err := heads.Root()
	must(err)
	topPath, err := heads.Path(42)
	must(err)
	signer, err := ledger.NewSigner(origin, key, rand.Reader)
	must(err)
	signed, err := ledger.Checkpoint{Origin: origin, Number: 1, Total: 1, Root: top, At: time.Unix(1, 0)}.Sign(signer)
	must(err)
	verifier, err := ledger.NewVerifier(origin, key.Public())
	must(err)
	c.Journal = ledger.Proof{
		Leaf: string(leaf), Bucket: 42, Size: 1, Root: ledger.EncodePath([]ledger.Hash{root})[0], Path: []string{},
		TopPath: ledger.EncodePath(topPath), Checkpoint: signed,
	}
	return c, note.VerifierList(verifier)
}

func TestVerify(t *testing.T) {
	for _, n := range []int{1, 3} {
		c, keys := issue(t, n)
		core, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, checkpoint, err := Verify(core, keys); err != nil || checkpoint.Number != 1 {
			t.Errorf("%d items: %v", n, err)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	good, keys := issue(t, 2)
	for name, spoil := range map[string]func(*Core){
		"payer":         func(c *Core) { c.Payer.ID = "900101300027" },
		"nonce":         func(c *Core) { c.Nonce = strings.Repeat("3", 32) },
		"order":         func(c *Core) { c.Order = "ord_other" },
		"bank":          func(c *Core) { c.Bank.BIC = "CASPKZKA" },
		"reference":     func(c *Core) { c.BankReference = "REF-2" },
		"time":          func(c *Core) { c.ExecutedAt = "2026-03-02T07:00:00.123456Z" },
		"time spelling": func(c *Core) { c.ExecutedAt = "2026-03-01T12:00:00.123456+05:00" },
		"document":      func(c *Core) { c.DocumentSHA256 = strings.Repeat("4", 64) },
		"amount":        func(c *Core) { c.Items[0].Tiyn += 100; c.Tiyn += 100 },
		"amount moved":  func(c *Core) { c.Items[0].Tiyn += 100; c.Items[1].Tiyn -= 100 },
		"total":         func(c *Core) { c.Tiyn++ },
		"currency":      func(c *Core) { c.Items[0].Currency = "USD" },
		"negative item": func(c *Core) { c.Items[0].Tiyn, c.Items[1].Tiyn = -100, c.Tiyn+100 },
		"agency":        func(c *Core) { c.Items[0].Agency = "agc_2" },
		"kbk":           func(c *Core) { c.Items[0].KBK = "108126" },
		"debt":          func(c *Core) { c.Items[0].Debt = "dbt_x" },
		"transfer":      func(c *Core) { c.Items[0].Transfer = "trf_x" },
		"item twice":    func(c *Core) { c.Items[1] = c.Items[0] },
		"item added":    func(c *Core) { c.Items = append(c.Items, c.Items[0]); c.Tiyn += c.Items[0].Tiyn },
		"item dropped":  func(c *Core) { c.Items = c.Items[:1]; c.Tiyn = c.Items[0].Tiyn },
		"no items":      func(c *Core) { c.Items = nil; c.Tiyn = 0 },
		"type":          func(c *Core) { c.Type = "invoice" },
		"version":       func(c *Core) { c.Version = 2 },
		"code":          func(c *Core) { c.Code = "58Z3" },
		"no proof":      func(c *Core) { c.Journal = ledger.Proof{} },
	} {
		t.Run(name, func(t *testing.T) {
			c := good
			c.Items = append([]Item(nil), good.Items...)
			spoil(&c)
			core, err := json.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			if canonical, err := c.Encode(); err == nil {
				core = canonical
			}
			if _, _, err := Verify(core, keys); err == nil {
				t.Error("verified")
			}
		})
	}
	core, err := good.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Verify(append(core, '\n'), keys); !errors.Is(err, ErrReceipt) {
		t.Errorf("another spelling verified: %v", err)
	}
	_, stranger := issue(t, 1)
	if _, _, err := Verify(core, stranger); !errors.Is(err, ledger.ErrCheckpoint) {
		t.Errorf("a stranger's key opens it: %v", err)
	}
}

// A receipt changed in any one byte is refused, or says the same of what matters: names are covered by the seal alone.
func TestVerifyEveryByte(t *testing.T) {
	c, keys := issue(t, 1)
	core, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.IntRange(0, len(core)-1).Draw(t, "at")
		changed := bytes.Clone(core)
		changed[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "xor"))
		got, _, err := Verify(changed, keys)
		if err != nil {
			return
		}
		if got.Order != c.Order || got.Amount != c.Amount || got.Payer.ID != c.Payer.ID || got.Items[0].Amount != c.Items[0].Amount ||
			got.BankReference != c.BankReference || got.Items[0].KBK != c.Items[0].KBK || got.ExecutedAt != c.ExecutedAt {
			t.Fatalf("byte %d changed the payment and verified", at)
		}
	})
}

func FuzzVerify(f *testing.F) {
	c, keys := issue(f, 1)
	core, err := c.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(core)
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, _, err := Verify(data, keys)
		if err == nil && (got.Amount != c.Amount || got.Order != c.Order || got.Payer.ID != c.Payer.ID) {
			t.Fatalf("another payment verified: %s", data)
		}
	})
}

func TestCode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bucket := rapid.IntRange(0, 255).Draw(t, "bucket")
		code, err := NewCode(bucket, rand.Reader)
		if err != nil || len(code) != 19 {
			t.Fatalf("%q %v", code, err)
		}
		for _, typed := range []string{code, strings.ToLower(code), strings.ReplaceAll(code, "-", ""), " " + strings.ReplaceAll(code, "-", " "), strings.ReplaceAll(strings.ReplaceAll(code, "0", "o"), "1", "l")} {
			got, b, err := ParseCode(typed)
			if err != nil || got != code || b != bucket {
				t.Fatalf("%q reads as %q in %d (%v)", typed, got, b, err)
			}
		}
	})
	for _, bad := range []string{"", "58Z3", "58Z3-0000-0000-000U", "58Z3-0000-0000-00012", strings.Repeat("0", 100), "58Z3-0000-0000-000é", "58Z3-0000-0000-00\n1"} {
		if _, _, err := ParseCode(bad); !errors.Is(err, ErrCode) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := NewCode(1, bytes.NewReader(nil)); err == nil {
		t.Error("a code without randomness")
	}
}

func FuzzParseCode(f *testing.F) {
	f.Add("58Z3-0000-0000-0001")
	f.Add("oooo iiii llll 1111")
	f.Fuzz(func(t *testing.T, text string) {
		code, bucket, err := ParseCode(text)
		if err != nil {
			return
		}
		again, b, err := ParseCode(code)
		if err != nil || again != code || b != bucket {
			t.Fatalf("%q reads as %q, which reads as %q (%v)", text, code, again, err)
		}
	})
}

func TestTenge(t *testing.T) {
	for tiyn, want := range map[int64]string{5: "0,05 ₸", 540600: "5\u00a0406,00 ₸", 123456789012: "1\u00a0234\u00a0567\u00a0890,12 ₸", 100000: "1\u00a0000,00 ₸", 99999: "999,99 ₸"} {
		if got := tenge(money.FromTiyn(tiyn)); got != want {
			t.Errorf("%d: %q, want %q", tiyn, got, want)
		}
	}
}

func TestPDFIsStable(t *testing.T) {
	c, _ := issue(t, 1)
	first, err := PDF(c)
	if err != nil {
		t.Fatal(err)
	}
	second, err := PDF(c)
	if err != nil || !bytes.Equal(first, second) {
		t.Errorf("the same receipt gave two PDFs (%v)", err)
	}
	c.IssuedAt = "yesterday"
	if _, err := PDF(c); err == nil {
		t.Error("a receipt without time was drawn")
	}
}

// The page says in letters what the core says, qpdf finds it sound, and the QR code scans.
func TestPDFReadsBack(t *testing.T) {
	for _, tool := range []string{"pdftotext", "pdftoppm", "zbarimg", "qpdf"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	folder := os.Getenv("QAQPA_RECEIPT_OUT") // keeps the pages for the eye
	if folder == "" {
		folder = t.TempDir()
	}
	for name, n := range map[string]int{"one": 1, "many": 9} {
		c, _ := issue(t, n)
		if n > 1 {
			c.Items[0].ServiceName.KK = strings.Repeat("Өте ұзақ атау ", 14)
			c.Items[0].Purpose = strings.Repeat("Мақсаты ", 20)
		}
		pdf, err := PDF(c)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(folder, name+".pdf")
		if err := os.WriteFile(path, pdf, 0o600); err != nil {
			t.Fatal(err)
		}
		run := func(tool string, args ...string) string {
			t.Helper()
			out, err := exec.CommandContext(t.Context(), tool, args...).Output()
			if err != nil {
				t.Fatalf("%s: %v\n%s", tool, err, out)
			}
			return string(out)
		}
		run("qpdf", "--check", path)
		text := run("pdftotext", "-layout", path, "-")
		for _, want := range []string{
			"Төлем туралы түбіртек", "Квитанция об оплате", c.Payer.Name, c.Payer.ID, c.Code, c.BankReference, c.ID, c.Order,
			"KZ24070105KSN0000000", "108125", "01.03.2026 12:00:00 (UTC+5)", "1,25 АЕК", "Ішкі істер министрлігі", "«Үлгі Банк» АҚ",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is not on the page:\n%s", name, want, text)
			}
		}
		run("pdftoppm", "-r", "110", "-png", path, filepath.Join(folder, name))
		pages, err := filepath.Glob(filepath.Join(folder, name+"-*.png"))
		if err != nil || len(pages) == 0 {
			t.Fatalf("no pages: %v", err)
		}
		if got := strings.TrimSpace(run("zbarimg", "--quiet", "--raw", pages[0])); got != VerifyURL(c.Issuer.URL, c.Code) {
			t.Errorf("%s: the QR code reads %q", name, got)
		}
	}
}

func BenchmarkPDF(b *testing.B) {
	c, _ := issue(b, 1)
	for b.Loop() {
		if _, err := PDF(c); err != nil {
			b.Fatal(err)
		}
	}
}
