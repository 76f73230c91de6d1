package receipt

// Issuer is the operator of the gateway.
type Issuer struct {
	// Name of the operator in the three languages.
	Name Texts `json:"name"`
	// BIN of the operator.
	BIN string `json:"bin"`
	// URL is the public base, without a trailing slash; receipts point to URL + "/verify?code=…".
	URL string `json:"url"`
}

// Texts is a text in three languages.
type Texts struct {
	KK string `json:"kk"`
	RU string `json:"ru"`
	EN string `json:"en"`
}
