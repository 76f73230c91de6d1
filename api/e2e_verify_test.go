package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	cdpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"qaqpa/signer/gost"
	"qaqpa/testenv/pki"
)

func awaited(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }

// The browser's hash functions are the gateway's, at every length around the ends of blocks and however the message is cut.
func TestBrowserHashes(t *testing.T) {
	c := endToEnd(t)
	v := c.visit(t, "hashes", 1280)
	v.open("/verify?lang=en")
	random := rand.New(rand.NewPCG(1, 2))
	for _, length := range []int{0, 1, 31, 32, 55, 56, 63, 64, 65, 111, 112, 119, 120, 127, 128, 129, 1000, 70_001} {
		message := make([]byte, length)
		for i := range message {
			message[i] = byte(random.Uint32())
		}
		if length == 1000 {
			message = bytes.Repeat([]byte{0xff}, length) // every addition carries
		}
		s256, s384, s512 := sha256.Sum256(message), sha512.Sum384(message), sha512.Sum512(message)
		g256, g512 := gost.NewStreebog256(), gost.NewStreebog512()
		_, _ = g256.Write(message)
		_, _ = g512.Write(message)
		want := map[string][]byte{"SHA-256": s256[:], "SHA-384": s384[:], "SHA-512": s512[:], "Streebog-256": g256.Sum(nil), "Streebog-512": g512.Sum(nil)}
		var got map[string]string
		v.run(chromedp.Evaluate(fmt.Sprintf(`import("/verify/hash.js").then(({hashes, hex}) => {
			const message = Uint8Array.from(atob(%q), (c) => c.charCodeAt(0)), cut = %d, out = {};
			for (const name in hashes) { const h = hashes[name](); h.update(message.subarray(0, cut)); h.update(message.subarray(cut)); out[name] = hex(h.digest()); }
			return out; })`, base64.StdEncoding.EncodeToString(message), random.IntN(length+1)), &got, awaited))
		for name, digest := range want {
			if got[name] != hex.EncodeToString(digest) {
				t.Errorf("%s of %d octets: %s, want %x", name, length, got[name], digest)
			}
		}
	}
	v.clean()
}

// files writes what the reader chooses.
func (v *visitor) files(files map[string][]byte) map[string]string {
	v.t.Helper()
	out := map[string]string{}
	for name, content := range files {
		out[name] = filepath.Join(v.t.TempDir(), name)
		if err := os.WriteFile(out[name], content, 0o600); err != nil {
			v.t.Fatal(err)
		}
	}
	return out
}

// sent is how many octets of bodies the browser has sent.
func (v *visitor) sent() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.up
}

const checkButton = `#check button[type=submit]:not([formaction])`

// A stranger checks a document, a signature beside its original, and a receipt, in each language.
func TestBrowserVerifies(t *testing.T) {
	c := endToEnd(t)
	code, pdf := c.receiptPDF(t)
	original := bytes.Repeat([]byte("түпнұсқа "), 200_000) // several pieces
	attached, err := c.citizen.SignCMS([]byte("қаулы"), pki.CMSOptions{})
	if err != nil {
		t.Fatal(err)
	}
	detached, err := c.citizen.SignCMS(original, pki.CMSOptions{Detached: true})
	if err != nil {
		t.Fatal(err)
	}
	words := map[string][4]string{
		"kk": {"Қолтаңба жарамды", "Сарапшыға арналған есеп", "Қоса берілген түпнұсқа құжат тұтас", "Бұл — шлюз берген түбіртек файлы"},
		"ru": {"Подпись действительна", "Отчёт для эксперта", "Приложенный исходный документ целиком", "Это файл квитанции, выданный шлюзом"},
		"en": {"The signature holds", "The expert's report", "The whole original that you added", "This is the file of a receipt as the gateway issued it"},
	}
	for lang, say := range words {
		for _, width := range []int64{360, 1280} {
			v := c.visit(t, fmt.Sprintf("verify %s %d", lang, width), width)
			files := v.files(map[string][]byte{"a.cms": attached, "d.p7s": detached, "original.txt": original, "receipt.pdf": pdf})
			v.open("/verify?lang=" + lang)
			v.accessible("form")
			v.fits()
			v.shot("1-form")
			v.run(chromedp.SetUploadFiles("#document", []string{files["a.cms"]}, chromedp.ByQuery))
			v.click(checkButton)
			v.sees(say[0])
			v.shot("2-holds")
			v.click("details.expert summary")
			v.sees("EN 319 102-1 5.2.6")
			v.accessible("expert")
			v.fits()
			v.shot("3-expert")
			if width == 1280 {
				v.run(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}))
				v.accessible("dark")
				v.shot("4-dark")
				v.run(emulation.SetEmulatedMedia().WithFeatures(nil))
			}
			// The signature in the wrong field, too.
			v.open("/verify?lang=" + lang)
			v.run(chromedp.SetUploadFiles("#document", []string{files["original.txt"]}, chromedp.ByQuery), chromedp.SetUploadFiles("#detached", []string{files["d.p7s"]}, chromedp.ByQuery))
			v.click(checkButton)
			v.sees(say[2])
			v.sees(say[0])
			v.accessible("detached")
			v.shot("5-detached")
			v.open("/verify?lang=" + lang)
			v.run(chromedp.SetUploadFiles("#document", []string{files["receipt.pdf"]}, chromedp.ByQuery))
			v.click(checkButton)
			v.sees(say[3])
			v.sees(code)
			v.shot("6-receipt")
			v.clean()
		}
	}
}

// The original of a separate signature is in no request: what is sent is counted on the wire.
func TestBrowserKeepsOriginal(t *testing.T) {
	c := endToEnd(t)
	original := bytes.Repeat([]byte("SECRET-OF-THE-READER "), 100_000)
	detached, err := c.citizen.SignCMS(original, pki.CMSOptions{Detached: true})
	if err != nil {
		t.Fatal(err)
	}
	v := c.visit(t, "keeps", 360)
	files := v.files(map[string][]byte{"d.p7s": detached, "original.txt": original, "signed.xml": []byte("<a/>")})
	v.open("/verify?lang=en")
	v.run(chromedp.SetUploadFiles("#document", []string{files["d.p7s"]}, chromedp.ByQuery), chromedp.SetUploadFiles("#detached", []string{files["original.txt"]}, chromedp.ByQuery))
	v.click(checkButton)
	v.sees("The whole original that you added")
	if sent := v.sent(); sent == 0 || sent > 64<<10 {
		t.Errorf("%d octets were sent for a signature of %d over %d", sent, len(detached), len(original))
	}
	// A kind that digests do not serve: nothing is sent until the reader says so.
	v.open("/verify?lang=en")
	v.run(chromedp.SetUploadFiles("#document", []string{files["signed.xml"]}, chromedp.ByQuery), chromedp.SetUploadFiles("#detached", []string{files["original.txt"]}, chromedp.ByQuery))
	before := v.sent()
	v.click(checkButton)
	v.sees("cannot be checked by a digest")
	v.shot("asks")
	v.accessible("asks")
	if sent := v.sent(); sent != before {
		t.Errorf("%d octets were sent before the reader agreed", sent-before)
	}
	v.click("#consent")
	v.sees("No signature was found")
	if sent := v.sent(); sent-before < len(original) {
		t.Errorf("%d octets were sent after the reader agreed", sent-before)
	}
	v.clean()
}

// Where the browser reads bar codes, a picture of the QR code leads to the receipt, and one of a foreign address leads nowhere.
func TestBrowserScans(t *testing.T) {
	c := endToEnd(t)
	code, _ := c.receiptPDF(t)
	for name, row := range map[string]struct{ qr, sees string }{
		"own":     {"https://pay.example.kz/verify?code=" + code, "The gateway issued this receipt"},
		"bare":    {code, "The gateway issued this receipt"},
		"foreign": {"https://evil.example/verify?next=https://evil.example", "No QR code of a receipt was found"},
		"script":  {"javascript:alert(1)", "No QR code of a receipt was found"},
	} {
		v := c.visit(t, "scan "+name, 360)
		v.run(chromedp.ActionFunc(func(ctx context.Context) error { // headless Chromium has no reader of its own
			_, err := cdpage.AddScriptToEvaluateOnNewDocument(fmt.Sprintf(`window.BarcodeDetector = class { static async getSupportedFormats() { return ["qr_code"]; } async detect() { return [{rawValue: %q}]; } };
				window.createImageBitmap = async () => ({});`, row.qr)).Do(ctx)
			return err
		}))
		v.open("/verify?lang=en")
		v.run(chromedp.WaitVisible("#scanner", chromedp.ByQuery), chromedp.SetUploadFiles("#scan", []string{v.files(map[string][]byte{"qr.png": {0}})["qr.png"]}, chromedp.ByQuery))
		v.sees(row.sees)
		v.accessible("scan")
		v.clean()
	}
}
