package api

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/tsp"
	"qaqpa/testenv/processor"

	"github.com/valyala/fasthttp"
)

// stampCost is what one round showed: signatures per second, and µs of processor time for each in the processes that take part.
type stampCost struct{ rate, gateway, workers, client, database float64 }

// middleOf takes the median of each figure by itself.
func middleOf(rounds []stampCost) stampCost {
	median := func(figure func(stampCost) float64) float64 {
		var values []float64
		for _, c := range rounds {
			values = append(values, figure(c))
		}
		return medianOf(values)
	}
	return stampCost{
		rate:     median(func(c stampCost) float64 { return c.rate }),
		gateway:  median(func(c stampCost) float64 { return c.gateway }),
		workers:  median(func(c stampCost) float64 { return c.workers }),
		client:   median(func(c stampCost) float64 { return c.client }),
		database: median(func(c stampCost) float64 { return c.database }),
	}
}

func microsOf(d time.Duration, n float64) float64 { return float64(d.Microseconds()) / n }

// spent is the processor time of the gateway (this process), of its workers and of PostgreSQL until now.
func spent(t *testing.T) (out [3]time.Duration) {
	t.Helper()
	var err error
	out[0], err = processor.Own()
	check(t, err)
	for i, named := range []string{"hsm-worker", "postgres"} {
		out[i+1], err = processor.Children(named)
		check(t, err)
	}
	return out
}

// stampsOverHTTP has the client ask for time stamps for a while. The API key goes through a pipe: arguments can be read by others.
func stampsOverHTTP(t *testing.T, url, apiKey string) stampCost {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], benchStampsArg, url)
	cmd.Stdin, cmd.Stderr = strings.NewReader(apiKey), os.Stderr
	before := spent(t)
	out, err := cmd.Output()
	check(t, err)
	after := spent(t)
	var n, rate float64
	_, err = fmt.Sscan(string(out), &n, &rate)
	check(t, err)
	return stampCost{
		rate: rate, gateway: microsOf(after[0]-before[0], n), workers: microsOf(after[1]-before[1], n),
		client: microsOf(cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime(), n), database: microsOf(after[2]-before[2], n),
	}
}

// benchStampsClient is the client: it asks for time stamps as fast as they come, over connections that stay open, and prints how many
// came, in all and per second.
func benchStampsClient(url string) error {
	apiKey, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	q := tsp.Request{Hash: algo.SHA256, Imprint: make([]byte, 32), Nonce: []byte{1, 2, 3, 4}}
	query, err := q.Encode()
	if err != nil {
		return err
	}
	client := &fasthttp.Client{MaxConnsPerHost: 2 * benchHSMCalls}
	var (
		all    sync.WaitGroup
		count  atomic.Int64
		failed atomic.Pointer[error]
	)
	begin := time.Now()
	for range benchHSMCalls {
		all.Go(func() {
			req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
			req.SetRequestURI(url + "/v1/timestamps")
			req.Header.SetMethod("POST")
			req.Header.SetContentType(typeTimeQuery)
			req.Header.Set("Authorization", "Bearer "+string(apiKey))
			req.SetBody(query)
			for time.Since(begin) < benchHSMRun {
				if err := client.Do(req, resp); err != nil || resp.StatusCode() != 200 {
					err = fmt.Errorf("%d %w: %s", resp.StatusCode(), err, resp.Body())
					failed.Store(&err)
					return
				}
				count.Add(1)
			}
		})
	}
	all.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	fmt.Println(count.Load(), float64(count.Load())/time.Since(begin).Seconds())
	return nil
}
