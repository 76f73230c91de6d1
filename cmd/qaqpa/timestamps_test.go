//go:build !release

package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// timeServer answers as NTP servers do, with this machine's time.
func timeServer(t *testing.T) string {
	t.Helper()
	conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		b := make([]byte, 100)
		for {
			n, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			if n < 48 {
				continue
			}
			p := make([]byte, 48)
			p[0], p[1] = 4<<3|4, 2
			copy(p[24:32], b[40:48])
			at := time.Now()
			for _, place := range []int{32, 40} {
				binary.BigEndian.PutUint32(p[place:], uint32(at.Unix()+2208988800))
				binary.BigEndian.PutUint32(p[place+4:], uint32(uint64(at.Nanosecond())<<32/1e9))
			}
			_, _ = conn.WriteTo(p, from)
		}
	}()
	return conn.LocalAddr().String()
}

// TestTimeStampsOfTheGateway: key, request, certificate, service and verification, with OpenSSL as certificate authority and client; and
// the same for the key of TLS.
func TestTimeStampsOfTheGateway(t *testing.T) {
	s := newSigning(t)
	openssl := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "openssl", args...)
		cmd.Dir = s.dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("openssl %v: %v: %s", args, err, out)
		}
	}
	s.run(t, "keys", "generate", "tsa", "--algorithm=rsa-2048")
	s.write(t, "tsa.csr", []byte(s.run(t, "keys", "csr", "tsa", "--common-name=TSA", "--organisation=Qaqpa", "--bin=123456789012")+"\n"))
	s.write(t, "ext", []byte("extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\n"))
	openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=CA", "-days", "2")
	openssl("x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "ext", "-days", "1", "-out", "tsa.pem")
	s.run(t, "keys", "import-cert", "tsa", filepath.Join(s.dir, "tsa.pem"))
	overTLS := s.prepareTLS(t, openssl)

	raw, err := os.ReadFile(s.settings)
	if err != nil {
		t.Fatal(err)
	}
	var settings map[string]any
	if err := json.Unmarshal(raw, &settings); err != nil {
		t.Fatal(err)
	}
	settings["tsa-key"], settings["tsa-own-policy"] = "tsa", "1.2.398.3.3.2.6.4"
	settings["tsa-clock"], settings["tsa-ntp"], settings["tsa-accuracy"] = "ntp", []string{timeServer(t)}, "20s" // a loaded machine is slow to answer
	maps.Copy(settings, overTLS)
	if raw, err = json.Marshal(settings); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.settings, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.killGateway(); err != nil {
		t.Fatal(err)
	}
	if err := s.startGateway(t.Context()); err != nil {
		t.Fatal(err)
	}
	openssl("ts", "-query", "-data", s.document, "-sha256", "-cert", "-out", "query")
	query, err := os.ReadFile(filepath.Join(s.dir, "query"))
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.gatewayURL+"/v1/timestamps", bytes.NewReader(query))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/timestamp-query")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	reply, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%d, %v: %s", resp.StatusCode, err, reply)
	}
	s.write(t, "reply", reply)
	openssl("ts", "-verify", "-queryfile", "query", "-in", "reply", "-CAfile", "ca.pem")
	s.checkTLS(t, overTLS)
	s.run(t, "audit", "verify")
}
