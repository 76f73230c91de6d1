package phone

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"sync"

	"qaqpa/testenv/loopback"
)

// Gateway takes messages. It is safe for concurrent use.
type Gateway struct {
	// Token is what callers must bear; empty admits everybody.
	Token string

	mu       sync.Mutex
	messages map[string][]string // by number
	refuse   int
	server   *loopback.Server
}

// Start listens on addr ("127.0.0.1:0" picks a port) and returns the address that takes messages.
func (g *Gateway) Start(ctx context.Context, addr string) (string, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /messages", g.take)
	server, err := loopback.Start(ctx, addr, mux)
	if err != nil {
		return "", err
	}
	g.server = server
	return server.URL + "/messages", nil
}

// Close stops it.
func (g *Gateway) Close() error {
	if g.server == nil {
		return nil
	}
	return g.server.Close()
}

// Refuse answers the next n messages with 503 and delivers nothing.
func (g *Gateway) Refuse(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refuse = n
}

func (g *Gateway) take(w http.ResponseWriter, r *http.Request) {
	var m struct{ ID, To, Text string }
	const bodyMax = 4096
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, bodyMax)).Decode(&m); err != nil || m.ID == "" || m.To == "" || m.Text == "" {
		http.Error(w, "a message has id, to and text", http.StatusBadRequest)
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.Token != "" && r.Header.Get("Authorization") != "Bearer "+g.Token {
		http.Error(w, "who are you", http.StatusUnauthorized)
		return
	}
	if g.refuse > 0 {
		g.refuse--
		http.Error(w, "out of order", http.StatusServiceUnavailable)
		return
	}
	if g.messages == nil {
		g.messages = map[string][]string{}
	}
	g.messages[m.To] = append(g.messages[m.To], m.Text)
	w.WriteHeader(http.StatusAccepted)
}

// Messages are those that came to a number, the oldest first.
func (g *Gateway) Messages(number string) []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.messages[number]...)
}

// Code is what a person reads off the newest message: six digits, or nothing.
func (g *Gateway) Code(number string) string {
	list := g.Messages(number)
	if len(list) == 0 {
		return ""
	}
	return regexp.MustCompile(`\b\d{6}\b`).FindString(list[len(list)-1])
}
