package pki

import (
	"context"
	cryptorand "crypto/rand"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"sync"
	"testing"
	"time"
)

// Options for [New].
type Options struct {
	// Dir is the folder of the PKI; created if absent.
	Dir string
	// Families to create; zero: all four. Ignored when the folder already holds a PKI.
	Families []Family
	// Now is the clock of issuance and of the services; zero: time.Now.
	Now func() time.Time
	// Rand is the source of keys and nonces; zero: crypto/rand.
	Rand io.Reader
	// BaseURL replaces http://127.0.0.1:port in certificates (without a trailing slash). Only for a
	// new folder: afterwards it is read from there.
	BaseURL string
}

// Errors of [PKI] methods.
var (
	ErrExists  = errors.New("an identity of this name exists")
	ErrUnknown = errors.New("no such identity")
	ErrNoKey   = errors.New("the identity has no private key here")
)

// PKI is the whole infrastructure.
type PKI struct {
	opts Options
	dir  string

	mu          sync.Mutex
	index       index
	hierarchies map[Family]*hierarchy
	impostors   map[Family]*hierarchy
	below       map[string]*CA // authorities made by Issue, by name
	identities  map[string]*Identity
	held        map[string][]byte // full lists that are frozen, by CA name
	listener    net.Listener      // holds the port from creation until Serve
}

// New opens the PKI in opts.Dir or creates it there.
func New(opts Options) (*PKI, error) {
	if opts.Dir == "" {
		return nil, errors.New("a PKI needs a folder")
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Rand == nil {
		opts.Rand = cryptorand.Reader
	}
	opts.Rand = &lockedReader{r: opts.Rand}
	p := &PKI{
		opts: opts, dir: opts.Dir,
		hierarchies: map[Family]*hierarchy{}, impostors: map[Family]*hierarchy{},
		below: map[string]*CA{}, identities: map[string]*Identity{}, held: map[string][]byte{},
	}
	err := p.load()
	if errors.Is(err, os.ErrNotExist) {
		err = p.create()
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't open the test PKI: %w", err)
	}
	return p, nil
}

// ForTest makes a PKI in the test's folder with the given families (none: all) and stops it with the test.
func ForTest(tb testing.TB, families ...Family) *PKI {
	tb.Helper()
	p, err := New(Options{Dir: tb.TempDir(), Families: families})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := p.Release(); err != nil {
			tb.Error(err)
		}
	})
	return p
}

// lockedReader lets one source of randomness serve all goroutines.
type lockedReader struct {
	mu sync.Mutex
	r  io.Reader
}

func (l *lockedReader) Read(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.r.Read(b)
}

// create makes a new PKI: port, hierarchies, responders and time-stamping authorities.
func (p *PKI) create() error {
	if err := p.makeFolders(); err != nil {
		return err
	}
	if err := p.choosePort(); err != nil {
		return err
	}
	families := p.opts.Families
	if len(families) == 0 {
		families = Families()
	}
	p.index.Version, p.index.Families = 1, families
	p.index.Identities, p.index.Lists = map[string]*record{}, map[string]*list{}
	for _, f := range families {
		h, err := newHierarchy(f, nil, p.index.BaseURL, p.opts.Now(), p.opts.Rand)
		if err != nil {
			return err
		}
		p.hierarchies[f] = h
		if err := p.keepHierarchy(h); err != nil {
			return err
		}
		p.listOf(h.root).Certificates[hex.EncodeToString(h.nca.serial)] = h.nca.Name
	}
	for _, f := range families {
		for _, prof := range []Profile{
			{Name: "ocsp_" + string(f), Family: f, Kind: OCSPResponder, Organisation: "ҰЛТТЫҚ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ QAQPA TEST"},
			{Name: "tsa_" + string(f), Family: f, Kind: TimeStamping, Organisation: "ҰЛТТЫҚ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ QAQPA TEST", BIN: BIN(1)},
		} {
			prof.NotAfter = p.opts.Now().AddDate(5, 0, 0)
			if _, err := p.Issue(prof); err != nil {
				return err
			}
		}
	}
	return p.save()
}

// choosePort takes a free port below the range from which systems take ports for connections, so
// that it is likely to be free again at the next start. The listener is kept until Serve.
func (p *PKI) choosePort() error {
	for range 200 {
		n, err := cryptorand.Int(cryptorand.Reader, big.NewInt(12000))
		if err != nil {
			return err
		}
		port := 20000 + int(n.Int64())
		var lc net.ListenConfig
		l, err := lc.Listen(context.Background(), "tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		p.listener, p.index.Port = l, port
		p.index.BaseURL = or(p.opts.BaseURL, fmt.Sprintf("http://127.0.0.1:%d", port))
		return nil
	}
	return errors.New("no free port between 20000 and 32000")
}

// Release gives up the port if no server took it. The PKI stays usable without services.
func (p *PKI) Release() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener == nil {
		return nil
	}
	err := p.listener.Close()
	p.listener = nil
	return err
}

// BaseURL is the address in the certificates, without a trailing slash.
func (p *PKI) BaseURL() string { return p.index.BaseURL }

// Families of this PKI.
func (p *PKI) Families() []Family { return append([]Family{}, p.index.Families...) }

// Root is the root of a family; nil if the PKI lacks the family.
func (p *PKI) Root(f Family) *CA {
	if h := p.hierarchies[f]; h != nil {
		return h.root
	}
	return nil
}

// NCA is the national CA of a family; nil if the PKI lacks the family.
func (p *PKI) NCA(f Family) *CA {
	if h := p.hierarchies[f]; h != nil {
		return h.nca
	}
	return nil
}

// AnchorsPEM is the roots of the families (none: all) as PEM, for openssl -CAfile or a trust folder.
func (p *PKI) AnchorsPEM(families ...Family) []byte {
	return p.bundle(families, func(h *hierarchy) *CA { return h.root })
}

// IntermediatesPEM is the national CAs of the families (none: all) as PEM.
func (p *PKI) IntermediatesPEM(families ...Family) []byte {
	return p.bundle(families, func(h *hierarchy) *CA { return h.nca })
}

func (p *PKI) bundle(families []Family, pick func(*hierarchy) *CA) []byte {
	if len(families) == 0 {
		families = p.index.Families
	}
	var out []byte
	for _, f := range families {
		if h := p.hierarchies[f]; h != nil {
			out = append(out, pemCertificate(pick(h).Certificate)...)
		}
	}
	return out
}

func pemCertificate(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
