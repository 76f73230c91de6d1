package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
)

// ErrNoAnswer says that a question brought no usable answer.
var ErrNoAnswer = errors.New("no usable answer")

// Ask posts a message to an address and returns the body of the answer: 200, of the same media type, at most answerMax bytes. The rules of
// addresses are those of webhooks, and redirects are not followed. Errors wrap [ErrNoAnswer].
func (c *Client) Ask(ctx context.Context, address, contentType string, message []byte, answerMax int64) (answer []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(message))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoAnswer, err)
	}
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("Accept", contentType)
	request.Header.Set("User-Agent", "qaqpa-questions/1")
	response, err := c.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoAnswer, err)
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%w: status %d", ErrNoAnswer, response.StatusCode)
	}
	if mediaType, _, err := mime.ParseMediaType(response.Header.Get("Content-Type")); err != nil || mediaType != contentType {
		return nil, fmt.Errorf("%w: it is not %s", ErrNoAnswer, contentType)
	}
	if answer, err = io.ReadAll(io.LimitReader(response.Body, answerMax+1)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoAnswer, err)
	}
	if int64(len(answer)) > answerMax {
		return nil, fmt.Errorf("%w: larger than %d bytes", ErrNoAnswer, answerMax)
	}
	return answer, nil
}
