package portal

import (
	"image"
	"image/color"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"qaqpa/api/auth"
	"qaqpa/api/language"
)

func TestAccessPagesInEachLanguage(t *testing.T) {
	p := pages(t)
	refused := &Message{Title: "title", Detail: "detail"}
	for _, l := range language.All() {
		f := Frame{Lang: l, Address: "/operators", Person: "ӘЛІ <i>", Account: true}
		nobody := Frame{Lang: l, Address: "/sign-in"}
		for name, render := range map[string]func() ([]byte, error){
			"code": func() ([]byte, error) {
				return p.RenderSignInCode(SignInCode{Frame: nobody, Key: "k", IIN: "<b>", Challenge: "c", Message: refused})
			},
			"operators": func() ([]byte, error) {
				return p.RenderOperators(Operators{Frame: nobody, Login: "<b>", Message: refused})
			},
			"enrol": func() ([]byte, error) { return p.RenderEnrol(Enrol{Frame: nobody, Login: "<b>", Message: refused}) },
			"enrolled": func() ([]byte, error) {
				return p.RenderEnrol(Enrol{Frame: nobody, Login: "aigul", Seed: []byte("12345678901234567890")})
			},
			"asks": func() ([]byte, error) {
				return p.RenderAskPasskey(AskPasskey{Frame: nobody, Options: `{"a":"<b>"}`, Question: "q"})
			},
			"adds": func() ([]byte, error) {
				return p.RenderAskPasskey(AskPasskey{Frame: f, Options: "{}", Question: "q", Adds: true, Name: "<b>"})
			},
			"security": func() ([]byte, error) {
				return p.RenderSecurity(Security{Frame: f, Passkeys: []auth.Passkey{{ID: []byte{1}, Name: "<b>", AddedAt: at()}}, Message: refused})
			},
			"bare": func() ([]byte, error) { return p.RenderSecurity(Security{Frame: f}) },
			"qr": func() ([]byte, error) {
				return p.RenderMobileSign(MobileSign{Frame: nobody, Purpose: "sign-in", Address: "https://pay.example.kz/mobile/x", Back: "/sign-in", Again: "/sign-in/qr", Until: at(), Fetched: true, Message: refused})
			},
			"qr over": func() ([]byte, error) {
				return p.RenderMobileSign(MobileSign{Frame: f, Purpose: "order", Back: "/x", Again: "/y"})
			},
		} {
			page, err := render()
			if err != nil {
				t.Fatalf("%s %s: %v", name, l, err)
			}
			text := string(page)
			checkPage(t, name+" "+string(l), text, l)
			if id := regexp.MustCompile(`[>"](access|mobilesign|signin)\.[a-z_.]+[<"]`).FindString(text); id != "" {
				t.Errorf("%s %s: no text for %s", name, l, id)
			}
		}
	}
}

// The drawn code has finder patterns in three corners after a quiet zone of four, and dark modules for its text.
func TestDrawQR(t *testing.T) {
	code, err := drawQR("mobileSign:https://pay.example.kz/mobile/0123456789abcdef0123456789abcdef")
	if err != nil {
		t.Fatal(err)
	}
	img := image.NewGray(image.Rect(0, 0, code.Size, code.Size))
	for _, m := range regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`).FindAllStringSubmatch(code.Path, -1) {
		x, _ := strconv.Atoi(m[1])
		y, _ := strconv.Atoi(m[2])
		n, _ := strconv.Atoi(m[3])
		for i := range n {
			img.SetGray(x+i, y, color.Gray{Y: 255})
		}
		if m[3] != m[4] {
			t.Errorf("%s does not close", m[0])
		}
	}
	dark := func(x, y int) bool { return img.GrayAt(x, y).Y == 255 }
	for _, corner := range [][2]int{{4, 4}, {code.Size - 11, 4}, {4, code.Size - 11}} {
		for i := range 7 {
			if !dark(corner[0]+i, corner[1]) || !dark(corner[0], corner[1]+i) {
				t.Errorf("no finder pattern at %v", corner)
			}
		}
	}
	if dark(3, 3) || dark(code.Size-1, code.Size-1) {
		t.Error("no quiet zone")
	}
	if _, err := drawQR(strings.Repeat("x", 4000)); err == nil {
		t.Error("what no code holds is drawn")
	}
}
