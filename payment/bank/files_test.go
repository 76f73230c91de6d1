package bank

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestFilesByFolder(t *testing.T) {
	dir := t.TempDir()
	files, address := NewFiles(FilesConfig{Now: time.Now, Settle: time.Nanosecond}), "file://"+dir
	if left, err := files.Reports(address); err != nil || len(left) != 0 {
		t.Errorf("an empty folder has %v, %v", left, err)
	}
	for range 2 { // again is the same
		if err := files.Put(t.Context(), address, "m1", []byte("content")); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(filepath.Join(dir, "out"))
	if err != nil || len(entries) != 1 || entries[0].Name() != "m1.p7m" {
		t.Fatalf("out has %v, %v", entries, err)
	}
	in := filepath.Join(dir, "in")
	if err := os.MkdirAll(in, 0o700); err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(t.TempDir(), "secret")
	for name, content := range map[string]string{
		filepath.Join(in, "r1.p7m"): "report", filepath.Join(in, ".r2"): "hidden", filepath.Join(in, "r3.part"): "unfinished", secret: "secret",
		filepath.Join(in, "large"): strings.Repeat("x", reportBytesMax+100),
	} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(secret, filepath.Join(in, "link")); err != nil {
		t.Fatal(err)
	}
	left, err := files.Reports(address)
	if err != nil || len(left) != 2 || string(left[1].Message) != "report" || len(left[0].Message) != reportBytesMax+1 {
		t.Fatalf("%d reports, %v", len(left), err)
	}
	if err := errors.Join(files.Done(address, "r1.p7m", true), files.Done(address, "large", false), files.Done(address, "gone", true)); err != nil {
		t.Error(err)
	}
	if left, err := files.Reports(address); err != nil || len(left) != 0 {
		t.Errorf("still there: %v, %v", left, err)
	}
	for _, folder := range []string{"in/done", "in/refused"} {
		if kept, err := os.ReadDir(filepath.Join(dir, folder)); err != nil || len(kept) != 1 {
			t.Errorf("%s has %v, %v", folder, kept, err)
		}
	}
	// Names cannot lead out of the folder.
	if err := files.Put(t.Context(), address, "../../escaped", []byte("x")); !errors.Is(err, ErrNoReply) {
		t.Errorf("wrote outside: %v", err)
	}
	if err := files.Done(address, "../../"+filepath.Base(secret), true); err == nil {
		if _, err := os.Stat(secret); err != nil {
			t.Error("moved a file from outside")
		}
	}
	if _, err := files.Ask(t.Context(), address, "m1"); !errors.Is(err, ErrNoReply) {
		t.Errorf("asked a folder: %v", err)
	}
	if err := files.Put(t.Context(), "file:///nonexistent/folder", "m1", nil); !errors.Is(err, ErrNoReply) {
		t.Errorf("no folder: %v", err)
	}
	if _, err := NewFiles(FilesConfig{Now: time.Now}).Reports("file:///nonexistent/folder"); err == nil {
		t.Error("no folder, no error")
	}
}

// A report that was just written may be half of one.
func TestFilesWaitForTheBank(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(os.MkdirAll(filepath.Join(dir, "in"), 0o700), os.WriteFile(filepath.Join(dir, "in", "r"), []byte("ha"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if left, err := NewFiles(FilesConfig{Now: time.Now, Settle: time.Hour}).Reports("file://" + dir); err != nil || len(left) != 0 {
		t.Errorf("%v, %v", left, err)
	}
}

func TestFilesByHTTP(t *testing.T) {
	status := http.StatusAccepted
	var got []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/files/m1" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		if r.Method == http.MethodPut {
			got, _ = io.ReadAll(r.Body)
			w.WriteHeader(status)
			return
		}
		w.Header().Set("Content-Type", ContentType)
		_, _ = w.Write([]byte("report"))
	}))
	defer server.Close()
	files, address := NewFiles(FilesConfig{Now: time.Now}), server.URL+"/files"
	if err := files.Put(t.Context(), address, "m1", []byte("content")); err != nil || !bytes.Equal(got, []byte("content")) {
		t.Errorf("%q, %v", got, err)
	}
	for _, status = range []int{http.StatusInternalServerError, http.StatusConflict, http.StatusFound} {
		if err := files.Put(t.Context(), address, "m1", []byte("content")); !errors.Is(err, ErrNoReply) {
			t.Errorf("%d: %v", status, err)
		}
	}
	if reply, err := files.Ask(t.Context(), address, "m1"); err != nil || !reply.AnsweredLookup() || string(reply.Message) != "report" {
		t.Errorf("%+v, %v", reply, err)
	}
	if left, err := files.Reports(address); err != nil || left != nil {
		t.Errorf("%v, %v", left, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := files.Put(ctx, address, "m1", nil); !errors.Is(err, ErrNoReply) {
		t.Errorf("cancelled: %v", err)
	}
	if err := files.Done(address, "m1", true); err != nil {
		t.Error(err)
	}
}
