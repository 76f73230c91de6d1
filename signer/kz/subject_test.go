package kz_test

import (
	"context"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"qaqpa/signer/kz"
	"qaqpa/signer/pkix"

	"github.com/google/go-cmp/cmp"
)

// certificateOf takes the certificate out of a PKCS#12 file with openssl: Go's readers refuse the national form.
func certificateOf(t *testing.T, file, password string) *pkix.Certificate {
	t.Helper()
	out, err := exec.CommandContext(context.Background(), "openssl", "pkcs12", "-legacy", "-nokeys",
		"-passin", "pass:"+password, "-in", file).Output()
	if err != nil {
		t.Fatalf("openssl couldn't read %s: %v", file, err)
	}
	certs, err := pkix.ParsePEMOrDER(out)
	if err != nil || len(certs) != 1 {
		t.Fatalf("%s: %d certificates, %v", file, len(certs), err)
	}
	return certs[0]
}

// TestDescribeNationalKeys names the holder of each test key of the national CA by its folder.
func TestDescribeNationalKeys(t *testing.T) {
	dir := filepath.Join(corpora(t), "kz", "testkeys-2027")
	employee := kz.Subject{
		IIN: "123456789012", BIN: "123456789021", Organisation: `АО "ТЕСТ"`, Name: "ТЕСТТОВ ТЕСТТ",
		Surname: "ТЕСТТОВ", GivenName: "ТЕСТТ", Patronymic: "ТЕСТТОВИЧ", Kind: kz.Organisation,
	}
	head := employee
	head.IIN, head.Name, head.Surname, head.GivenName, head.Patronymic = "123456789011", "ТЕСТОВ ТЕСТ", "ТЕСТОВ", "ТЕСТ", "ТЕСТОВИЧ"
	person := head
	person.Kind, person.BIN, person.Organisation = kz.Person, "", ""
	system := kz.Subject{
		Kind: kz.InformationSystem, BIN: "123456789021", Organisation: `АО "ТЕСТ"`, Name: `ИС "Тест"`, SystemID: "1.2.398.6.10.1.1",
	}
	treasury := employee
	treasury.TreasuryRoles = []string{"ROLE02"}
	for _, c := range []struct {
		file  string
		want  kz.Subject
		roles []string
	}{
		{"individual/valid/individual_valid.p12", person, []string{"individual"}},
		{"legal/valid/head.p12", head, []string{"legal_entity", "head"}},
		{"legal/valid/employee.p12", employee, []string{"legal_entity", "employee"}},
		{"legal/valid/employee_signright.p12", employee, []string{"legal_entity", "right_of_signature"}},
		// The two files are swapped in the national CA's package.
		{"legal/valid/treasury_client.p12", system, []string{"legal_entity", "information_system"}},
		{"legal/valid/infosystem.p12", treasury, []string{"legal_entity", "treasury_client"}},
	} {
		t.Run(c.file, func(t *testing.T) {
			got := kz.Describe(certificateOf(t, filepath.Join(dir, c.file), "Qwerty12"))
			var roles []string
			for _, r := range got.Roles {
				roles = append(roles, r.Code)
			}
			if !slices.Equal(roles, c.roles) {
				t.Errorf("roles %v, want %v", roles, c.roles)
			}
			if len(got.Policies) != 1 || got.Policies[0].Name.EN == "" || got.Storage.Name != "PKCS12" {
				t.Errorf("policies %v, storage %v", got.Policies, got.Storage)
			}
			c.want.Country, c.want.KeyUse, c.want.National = "KZ", kz.Sign, true
			got.Roles, got.Policies, got.Storage = nil, nil, kz.Storage{}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestKeyUseOfSDK: the national SDK names the keys of authentication by their file.
func TestKeyUseOfSDK(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(corpora(t), "kz", "sdk", "*", "*", "*", "*", "*", "*.p12"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no keys found: %v", err)
	}
	for _, f := range files {
		s := kz.Describe(certificateOf(t, f, "Qwerty12"))
		want := kz.Sign
		if strings.HasPrefix(filepath.Base(f), "AUTH_") {
			want = kz.Auth
		}
		if s.KeyUse != want || !s.National || s.NumbersValid {
			t.Errorf("%s: key use %s, national %v, numbers valid %v", f, s.KeyUse, s.National, s.NumbersValid)
		}
	}
}

func TestTextsAreComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range kz.Roles() {
		if r.Name.KK == "" || r.Name.RU == "" || r.Name.EN == "" || r.Name.KK == r.Name.RU {
			t.Errorf("%s lacks a name: %+v", r.Code, r.Name)
		}
		if seen[r.Code] || seen[r.OID] {
			t.Errorf("%s stands twice", r.Code)
		}
		seen[r.Code], seen[r.OID] = true, true
	}
}
