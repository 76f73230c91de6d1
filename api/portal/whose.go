package portal

// Whose names a payer in addresses: organisation for a BIN, person for an IIN, which have a day of the month where a BIN has its kind. A number
// of his would stay in the history of a shared computer and in the logs of every proxy before the gateway.
func Whose(number string) string {
	const kind = 4
	if len(number) > kind && number[kind] >= '4' {
		return "organisation"
	}
	return "person"
}

// Whose is [Whose] for templates.
func (words) Whose(number string) string { return Whose(number) }
