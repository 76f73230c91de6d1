package mark_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qaqpa/signer/pades/mark"
)

func facts() mark.Facts {
	return mark.Facts{
		KindKK: "Электрондық мөр", KindRU: "Электронная печать", Name: "ӘЛИЕВ ДӘУРЕН ҚАЙРАТҰЛЫ",
		Organisation: "Қазақстан Республикасының Цифрлық даму, инновациялар және аэроғарыш өнеркәсібі министрлігі", Number: "670808400493",
		Serial: strings.Repeat("4D", 20), At: time.Date(2026, 10, 1, 9, 0, 0, 0, time.UTC), Zone: time.FixedZone("+05", 5*60*60),
		Code: "https://qaqpa.example/verify?code=ABCD-EFGH-JKLM-NPQR",
	}
}

// A reader of QR codes and poppler find in the picture what was put into it, with the letters of Kazakh.
func TestPicture(t *testing.T) {
	for _, name := range []string{"pdftotext", "pdftoppm", "zbarimg"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is not here", name)
		}
	}
	f := facts()
	b, err := mark.Picture(f)
	if err != nil {
		t.Fatal(err)
	}
	again, err := mark.Picture(f)
	if err != nil || !bytes.Equal(b, again) {
		t.Errorf("the same facts give other bytes: %v", err)
	}
	file := filepath.Join(t.TempDir(), "mark.pdf")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(name string, args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), name, args...).Output()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return string(out)
	}
	said := run("pdftotext", "-layout", file, "-")
	for _, want := range []string{"Электрондық мөр", "ӘЛИЕВ ДӘУРЕН", "ҚАЙРАТҰЛЫ", "Қазақстан", "ИИН/БИН 670808400493", "01.10.2026 14:00:00 +05:00"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in %s", want, said)
		}
	}
	run("pdftoppm", "-r", "150", "-png", "-singlefile", file, strings.TrimSuffix(file, ".pdf"))
	if got := strings.TrimSpace(run("zbarimg", "--quiet", "--raw", strings.TrimSuffix(file, ".pdf")+".png")); got != f.Code {
		t.Errorf("the code says %q", got)
	}
}

// Long names are drawn whole, each letter of Kazakh among them, by smaller letters; one that fits in no way says by dots that it goes on.
func TestPictureOfLongNames(t *testing.T) {
	if _, err := exec.LookPath("pdftotext"); err != nil {
		t.Skip("pdftotext is not here")
	}
	said := func(f mark.Facts) string {
		t.Helper()
		b, err := mark.Picture(f)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "mark.pdf")
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), "pdftotext", "-layout", file, "-").Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(strings.Fields(string(out)), " ")
	}
	f := facts()
	if got := said(f); !strings.Contains(got, f.Name) || !strings.Contains(got, f.Organisation) {
		t.Errorf("%s", got)
	}
	f.Name = "ӘҒҚҢӨҰҮҺІ-әғқңөұүһі МҰХАММЕД НҰРСҰЛТАНБЕКҰЛЫ"
	f.Organisation = "«Қазақстан Республикасының Мемлекеттік мүлік және жекешелендіру комитетінің шаруашылық жүргізу құқығындағы ақпараттық-есептеу орталығы» РМК филиалы"
	if got := said(f); !strings.Contains(got, f.Name) || !strings.Contains(got, f.Organisation) || !strings.Contains(got, f.Number) || strings.Contains(got, "…") {
		t.Errorf("%s", got)
	}
	f.Organisation = strings.Repeat("жекешелендіру ", 40)
	if got := said(f); !strings.Contains(got, f.Name) || !strings.Contains(got, "… ЖСН/БСН") {
		t.Errorf("%s", got)
	}
}

func TestPictureRefuses(t *testing.T) {
	for name, change := range map[string]func(*mark.Facts){
		"no code": func(f *mark.Facts) { f.Code = "" }, "code too long": func(f *mark.Facts) { f.Code = strings.Repeat("x", 301) },
		"no zone": func(f *mark.Facts) { f.Zone = nil },
	} {
		f := facts()
		change(&f)
		if _, err := mark.Picture(f); !errors.Is(err, mark.ErrFacts) {
			t.Errorf("%s: %v", name, err)
		}
	}
	f := facts()
	f.Name, f.Organisation = strings.Repeat("Ә", 4000)+"\x00😀", strings.Repeat("ұ ", 4000)
	if _, err := mark.Picture(f); err != nil {
		t.Error(err)
	}
}
