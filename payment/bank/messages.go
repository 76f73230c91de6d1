package bank

// Reply is what a bank's server answered.
type Reply struct {
	// Status is the HTTP status.
	Status int
	// Message is the body when it is application/pkcs7-mime: a CMS signature whose signer the caller must check.
	Message []byte
}
