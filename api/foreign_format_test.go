package api

import (
	"testing"

	"qaqpa/payment/order"
	"qaqpa/signer"
	"qaqpa/signer/pkix"
	"qaqpa/testenv/pki"
)

// Only a signature over the order's own bytes authorises it. People sign XML, PDF and JWS documents elsewhere all day; whoever holds one of
// them must not be able to pay with it.
func TestAuthoriseTakesNoOtherDocument(t *testing.T) {
	w := start(t)
	chain := []*pkix.Certificate{must[*pkix.Certificate](t)(pkix.ParseCertificate(w.citizen.Certificate)), must[*pkix.Certificate](t)(pkix.ParseCertificate(w.citizen.Chain[0]))}
	key := signer.SigningKey{Key: w.citizen.Key, Chain: chain}
	sign := w.cfg.Signer
	for name, foreign := range map[string][]byte{
		"XML":          must[[]byte](t)(sign.SignXML(t.Context(), signer.SignXMLRequest{Document: []byte("<login><to>another site</to></login>"), Key: key, Actor: "test"})),
		"PDF":          must[[]byte](t)(sign.SignPDF(t.Context(), signer.SignPDFRequest{Document: onePage(t), Key: key, Actor: "test"})),
		"JWT":          []byte(must[string](t)(sign.SignJWT(t.Context(), signer.SignJWTRequest{Claims: []byte(`{"to":"another site"}`), Key: key, Actor: "test"}))),
		"empty CMS":    must[[]byte](t)(w.citizen.SignCMS([]byte{}, pki.CMSOptions{})),
		"detached CMS": must[[]byte](t)(w.citizen.SignCMS([]byte{}, pki.CMSOptions{Detached: true})),
		"CMS":          must[[]byte](t)(w.citizen.SignCMS([]byte("another site"), pki.CMSOptions{})),
	} {
		t.Run(name, func(t *testing.T) {
			o := w.order(w.citizen.IIN(), w.owe("AD-"+name, w.citizen.IIN()))
			got := w.authorise(o.ID, foreign)
			if now := in[order.Order](t, w.get(w.portalKey, "/v1/orders/"+o.ID), 200); got.status != 422 || now.State != order.Created {
				t.Errorf("a signed %s about something else: %d, the order is %s: %s", name, got.status, now.State, got.body)
			}
		})
	}
}
