package revoked

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"qaqpa/signer/pkix"
	"qaqpa/signer/trust"
)

// data holds the lists of the national authorities, for each mode of the trust store. The addresses are those that stand in
// certificates and that the authorities publish; the names of authorities are those of package trust.
//
//go:embed data/*.json
var data embed.FS

type pointList struct {
	Mode   trust.Mode `json:"mode"`
	Points []struct {
		Name        string   `json:"name"`
		URLs        []string `json:"urls"`
		Delta       bool     `json:"delta,omitempty"`
		Optional    bool     `json:"optional,omitempty"`
		Authorities []string `json:"authorities"`
	} `json:"points"`
}

// National gives the points of the authorities that are shipped for the mode of a trust store: of the national authorities in
// production or test; none for a custom store. A point that names an authority which the store lacks is an error.
func National(store *trust.Store) ([]Point, error) {
	raw, err := data.ReadFile("data/" + string(store.Mode()) + ".json")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't read the points of lists: %w", err)
	}
	var l pointList
	if err := json.Unmarshal(raw, &l); err != nil {
		return nil, fmt.Errorf("couldn't read the points of lists: %w", err)
	}
	authorities := map[string]*pkix.Certificate{}
	for _, a := range store.Authorities() {
		authorities[a.Name] = a.Certificate
	}
	out := make([]Point, len(l.Points))
	for i, p := range l.Points {
		out[i] = Point{Name: p.Name, URLs: p.URLs, Delta: p.Delta, Optional: p.Optional}
		for _, name := range p.Authorities {
			c := authorities[name]
			if c == nil {
				return nil, fmt.Errorf("the points of lists name %s, which the trust store lacks", name)
			}
			out[i].Issuers = append(out[i].Issuers, c)
		}
	}
	return out, nil
}
