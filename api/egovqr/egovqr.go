package egovqr

import (
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
	"time"

	"qaqpa/api/strictjson"
)

// Invitation is the first answer: who asks, for what, until when, and where the documents are.
type Invitation struct {
	Description  string       `json:"description"`
	ExpiryDate   string       `json:"expiry_date"`
	Organisation Organisation `json:"organisation"`
	Document     Place        `json:"document"`
}

// Organisation is who asks for a signature.
type Organisation struct {
	NameRu string `json:"nameRu"`
	NameKz string `json:"nameKz"`
	NameEn string `json:"nameEn"`
	BIN    string `json:"bin"`
}

// Place is where the documents are, and how the phone shows that it has read the invitation.
type Place struct {
	URI       string `json:"uri"`
	AuthType  string `json:"auth_type"`
	AuthToken string `json:"auth_token"`
}

// SignOnly asks for CMS signatures without the documents inside.
const SignOnly = "CMS_SIGN_ONLY"

// Documents is the second answer, and what comes back.
type Documents struct {
	SignMethod string     `json:"signMethod"`
	Version    int        `json:"version,omitempty"`
	List       []Document `json:"documentsToSign" limit:"4"`
}

// Document is one of them. IDs are numbers.
type Document struct {
	ID     int     `json:"id"`
	NameRu string  `json:"nameRu,omitempty"`
	NameKz string  `json:"nameKz,omitempty"`
	NameEn string  `json:"nameEn,omitempty"`
	Meta   []Meta  `json:"meta,omitempty" limit:"16"`
	Body   Content `json:"document"`
}

// Meta is what the phone shows beside a document.
type Meta struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Content holds the bytes.
type Content struct {
	File File `json:"file"`
}

// File is a document, or the signature over it, in base64.
type File struct {
	MIME string `json:"mime"`
	Data string `json:"data"`
}

// NewInvitation makes an invitation to fetch the documents at an address, with a token, until a moment.
func NewInvitation(description string, from Organisation, address, token string, until time.Time) Invitation {
	return Invitation{
		Description: description, ExpiryDate: until.UTC().Format(time.RFC3339), Organisation: from,
		Document: Place{URI: address, AuthType: "Token", AuthToken: token},
	}
}

// NewDocuments asks for a signature over one document.
func NewDocuments(names Organisation, mime string, document []byte, meta []Meta) Documents {
	return Documents{SignMethod: SignOnly, Version: 2, List: []Document{{ //nolint:mnd // the version of the message that has file
		ID: 1, NameRu: names.NameRu, NameKz: names.NameKz, NameEn: names.NameEn, Meta: meta,
		Body: Content{File{MIME: mime, Data: base64.StdEncoding.EncodeToString(document)}},
	}}}
}

// ErrAnswer says that what the phone sent holds no signature.
var ErrAnswer = errors.New("the answer of eGov Mobile holds no signature")

// Reader reads what phones send. Safe for concurrent use.
type Reader struct {
	decode *strictjson.Decoder[Documents]
}

// NewReader makes a Reader.
func NewReader() (*Reader, error) {
	d, err := strictjson.New[Documents](strictjson.Limits{Tolerant: true})
	return &Reader{d}, err
}

// Signature takes the one signature out of an answer: DER. Errors: [*strictjson.Error], [ErrAnswer].
func (r *Reader) Signature(body []byte) ([]byte, error) {
	d, err := r.decode.Decode(body)
	if err != nil {
		return nil, err
	}
	if len(d.List) != 1 {
		return nil, ErrAnswer
	}
	// Applications break long base64 into lines, and some leave the padding out.
	plain := strings.TrimRight(strings.Join(strings.Fields(d.List[0].Body.File.Data), ""), "=")
	cms, err := base64.RawStdEncoding.DecodeString(plain)
	if err != nil || len(cms) == 0 {
		return nil, ErrAnswer
	}
	return cms, nil
}

// Code is what the QR code holds for an invitation at an address.
func Code(address string) string { return "mobileSign:" + address }

// Link opens the same invitation on the phone on which the page is read. The numbers are those of the application in its shops.
func Link(address string) string {
	return "https://m.egov.kz/mobileSign?" + url.Values{
		"link": {address}, "isi": {"1476128386"}, "ibi": {"kz.egov.mobile"}, "apn": {"kz.mobile.mgov"},
	}.Encode()
}
