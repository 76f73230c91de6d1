package catalog

import (
	"fmt"
	"net/url"
	"path"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"qaqpa/payment/money"
)

// Limits of texts, in characters.
const (
	nameMax    = 200
	codeMax    = 64
	urlMax     = 500
	tariffsMax = 100
	accountMax = 70
)

// Check refuses names that are missing in a language, too long, or carry control characters.
func (n Names) Check(field string) error {
	for _, one := range []struct{ language, text string }{{"kk", n.KK}, {"ru", n.RU}, {"en", n.EN}} {
		if err := CheckText(field+"."+one.language, one.text, 1, nameMax); err != nil {
			return err
		}
	}
	return nil
}

// CheckText refuses text outside of [least, most] characters, with control characters, or with spaces at its ends.
func CheckText(field, text string, least, most int) error {
	n := utf8.RuneCountInString(text)
	switch {
	case !utf8.ValidString(text):
		return &FieldError{Field: field, Text: TextEncoding, Rule: "is not UTF-8"}
	case n < least || n > most:
		rule := fmt.Sprintf("has %d characters, %d to %d are allowed", n, least, most)
		return &FieldError{Field: field, Text: TextLength, Least: least, Most: most, Rule: rule}
	case strings.TrimSpace(text) != text:
		return &FieldError{Field: field, Text: TextSpaces, Rule: "starts or ends with a space"}
	case strings.ContainsFunc(text, unprintable):
		return &FieldError{Field: field, Text: TextMarks, Rule: "contains a control character"}
	}
	return nil
}

// unprintable holds for control characters and for the marks that reorder text on the screen, with which a signer
// could be shown other words than he signs, and for what no XML may hold: a register of such a text could not be written.
func unprintable(r rune) bool {
	return unicode.IsControl(r) || (r >= 0x202a && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069) ||
		r == 0x200e || r == 0x200f || r == 0x2028 || r == 0x2029 || r == 0xfeff || (r >= 0xfffd && r <= 0xffff)
}

// Check refuses an agency that breaks a rule; plainHTTP admits http beside https.
func (a AgencySpec) Check(plainHTTP bool) error {
	if !ValidPayerID(a.BIN) {
		return invalid("bin", "is not 12 digits with a right check digit")
	}
	if err := a.Names.Check("names"); err != nil {
		return err
	}
	if a.WebhookURL == "" {
		return nil
	}
	return CheckURL("webhook_url", a.WebhookURL, plainHTTP)
}

// Check refuses a bank that breaks a rule; plainHTTP admits http beside https.
func (b BankSpec) Check(plainHTTP bool) error {
	if !ValidBIC(b.BIC) {
		return invalid("bic", "is not 8 capital letters and digits of a BIC")
	}
	if !ValidPayerID(b.BIN) {
		return invalid("bin", "is not 12 digits with a right check digit")
	}
	if err := CheckText("name", b.Name, 1, nameMax); err != nil {
		return err
	}
	if strings.HasSuffix(b.URL, "/") {
		return invalid("url", "ends with a slash")
	}
	if err := CheckURL("url", b.URL, plainHTTP); err != nil {
		return err
	}
	return b.checkFiles(plainHTTP)
}

// checkFiles refuses an address of files that is neither a folder of this machine nor a URL.
func (b BankSpec) checkFiles(plainHTTP bool) error {
	dir, isFolder := strings.CutPrefix(b.Files, "file://")
	switch {
	case b.Files == "":
		return nil
	case !isFolder && strings.HasSuffix(b.Files, "/"):
		return invalid("files", "ends with a slash")
	case !isFolder:
		return CheckURL("files", b.Files, plainHTTP)
	case len(dir) > urlMax || len(dir) < 2 || path.Clean(dir) != dir || dir[0] != '/' || strings.ContainsFunc(dir, unprintable):
		return invalid("files", "is not file:// and the absolute path of a folder")
	}
	return nil
}

// CheckURL refuses what is not an absolute https address without a password; plainHTTP admits http. The error is a [*FieldError].
func CheckURL(field, text string, plainHTTP bool) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || len(text) > urlMax || u.Host == "" || u.Hostname() == "":
		return invalid(field, "is not an absolute URL of at most 500 characters")
	case u.Scheme != "https" && (u.Scheme != "http" || !plainHTTP):
		return invalid(field, "does not start with https")
	case u.User != nil || u.Fragment != "":
		return invalid(field, "carries a password or a fragment")
	}
	return nil
}

// Check refuses a service that breaks a rule.
func (s ServiceSpec) Check() error {
	switch {
	case s.Code == "" || len(s.Code) > codeMax || !allOf(s.Code, isCode):
		return invalid("code", "is not 1 to 64 characters of a-z, 0-9, dot and hyphen")
	case len(s.KBK) != 6 || !allOf(s.KBK, isDigit):
		return invalid("kbk", "is not 6 digits")
	case len(s.KNP) != 3 || !allOf(s.KNP, isDigit):
		return invalid("knp", "is not 3 digits")
	case len(s.KBE) != 2 || (s.KBE[0] != '1' && s.KBE[0] != '2') || s.KBE[1] < '1' || s.KBE[1] > '9':
		return invalid("kbe", "is not residency (1, 2) and sector (1 to 9)")
	}
	switch s.Kind {
	case "", Informational, Interactive, Transactional, Composite:
	default:
		return invalid("kind", "is not informational, interactive, transactional or composite")
	}
	switch s.Automation {
	case "", FullyAutomated, PartlyAutomated:
	default:
		return invalid("automation", "is not full or partial")
	}
	if s.InstalmentMin < 0 || s.InstalmentMin > TiynMax {
		return invalid("instalment_min", "is not an amount that can be paid")
	}
	if err := s.Names.Check("names"); err != nil {
		return err
	}
	if err := s.Beneficiary.check(); err != nil {
		return err
	}
	return checkTariffs(s.Tariffs)
}

// Normal fills in the defaults and sorts the tariffs, so that equal publications compare equal.
func (s ServiceSpec) Normal() ServiceSpec {
	if s.Kind == "" {
		s.Kind = Transactional
	}
	if s.Automation == "" {
		s.Automation = FullyAutomated
	}
	s.Tariffs = append([]Tariff(nil), s.Tariffs...)
	for i := range s.Tariffs {
		if len(s.Tariffs[i].Discounts) == 0 {
			s.Tariffs[i].Discounts = nil
		}
	}
	sort.Slice(s.Tariffs, func(i, j int) bool { return s.Tariffs[i].ValidFrom < s.Tariffs[j].ValidFrom })
	return s
}

func (b Beneficiary) check() error {
	if err := CheckText("beneficiary.name", b.Name, 1, accountMax); err != nil {
		return err
	}
	switch {
	case !ValidPayerID(b.BIN):
		return invalid("beneficiary.bin", "is not 12 digits with a right check digit")
	case !ValidIBAN(b.Account):
		return invalid("beneficiary.account", "is not an IBAN of Kazakhstan with right check digits")
	case !ValidBIC(b.BIC):
		return invalid("beneficiary.bic", "is not 8 capital letters and digits of a BIC")
	}
	return nil
}

// checkTariffs refuses a broken tariff and two tariffs that are in force on one day.
func checkTariffs(tariffs []Tariff) error {
	if len(tariffs) == 0 || len(tariffs) > tariffsMax {
		return invalid("tariffs", "are not 1 to 100")
	}
	for i, t := range tariffs {
		field := fmt.Sprintf("tariffs[%d]", i)
		if err := t.check(field); err != nil {
			return err
		}
		for _, other := range tariffs[:i] {
			if t.ValidFrom.within(other.ValidFrom, other.ValidTo) || other.ValidFrom.within(t.ValidFrom, t.ValidTo) {
				return invalid(field, "is in force together with another tariff")
			}
		}
	}
	return nil
}

func (t Tariff) check(field string) error {
	if err := checkPeriod(t.ValidFrom, t.ValidTo); err != nil {
		return invalid(field, err.Error())
	}
	rated := t.Rate != "" || t.Rounding != ""
	switch t.Kind {
	case Fixed:
		if t.Fixed <= 0 || t.Fixed > TiynMax || rated {
			return invalid(field, "of kind fixed has a positive amount, no rate and no rounding")
		}
	case MRPRate:
		rate, err := t.Rate.Rate()
		if err != nil || rate <= 0 || !t.Rounding.Valid() || t.Fixed != 0 {
			return invalid(field, "of kind mrp has a positive rate, a named rounding and no amount")
		}
	case Percent:
		if _, err := t.Rate.percent(); err != nil || !t.Rounding.Valid() || t.Fixed != 0 {
			return invalid(field, "of kind percent has a rate of at most 100 with at most two decimals, a named rounding and no amount")
		}
	case Stated:
		if t.Fixed != 0 || rated {
			return invalid(field, "of kind stated has neither amount nor rate")
		}
	default:
		return invalid(field, "has none of the kinds fixed, mrp, percent, stated")
	}
	return t.checkTerms(field)
}

// TiynMax is the most that a single debt or tariff may be: ten billion tenge. It keeps sums over any number of rows
// that a table can hold within int64.
const TiynMax = 10_000_000_000 * 100

// CheckAmount refuses amounts that cannot be owed: another currency, zero, negative, or beyond [TiynMax].
func CheckAmount(a money.Amount) error {
	if a.Currency != money.KZT {
		return fmt.Errorf("couldn't take %q: %w", string(a.Currency), money.ErrCurrency)
	}
	if a.Tiyn <= 0 || a.Tiyn > TiynMax {
		return invalid("amount", fmt.Sprintf("is not between 1 and %d tiyn", int64(TiynMax)))
	}
	return nil
}
