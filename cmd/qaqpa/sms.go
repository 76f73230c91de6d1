package main

import (
	"fmt"
	"os"
	"strings"

	"qaqpa/payment"
	"qaqpa/payment/notify"
)

// smsSettings name the gateway that carries one-time codes to phones.
type smsSettings struct {
	URL       string `name:"sms-url" env:"QAQPA_SMS_URL" placeholder:"URL" help:"SMS gateway for one-time codes: it takes POST of JSON with id, to and text. Without it nothing is paid by code."`
	TokenFile string `name:"sms-token-file" env:"QAQPA_SMS_TOKEN_FILE" type:"existingfile" placeholder:"FILE" help:"File with the bearer token of the SMS gateway."`
}

// messenger is nil when no gateway is named.
func (c smsSettings) messenger() (payment.Messenger, error) {
	if c.URL == "" {
		return nil, nil //nolint:nilnil // then codes are off
	}
	token := ""
	if c.TokenFile != "" {
		raw, err := os.ReadFile(c.TokenFile)
		if err != nil {
			return nil, fmt.Errorf("couldn't read the token of the SMS gateway: %w", err)
		}
		token = strings.TrimSpace(string(raw))
	}
	return notify.NewSMS(notify.SMSConfig{URL: c.URL, Token: token}), nil
}
