package e2e

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sherpack-io/kubectl-sherpack/test/proxy"
)

// blackout is how long the API server is out of reach in the worst weather.
const blackout = 20 * time.Second

// fault is what goes wrong with one request.
type fault func(w *weather, request *http.Request, upstream http.RoundTripper) (*http.Response, error)

// weather decides by a seed which requests go wrong, and how. The order in which requests arrive is not the seed's.
type weather struct {
	mu     sync.Mutex
	chance *rand.Rand
	// share is how many of a hundred requests go wrong.
	share int
	// seen counts the requests. From that of the number burst on, most of a few go wrong; from that of the number dark on,
	// everything is cut for a while. 0 is never.
	seen, burst, dark int
	// until is the end of what dark has begun.
	until time.Time
	// log is what went wrong.
	log []string
}

// newWeather returns the weather of one command, stormy or not.
func newWeather(chance *rand.Rand, burst, dark bool) *weather {
	const requests = 40 // Fewer than any of the commands sends.
	w := &weather{chance: chance, share: []int{5, 8, 12, 15}[chance.IntN(4)]}
	if at := 1 + chance.IntN(requests); burst {
		w.burst = at
	}
	if at := 1 + chance.IntN(requests); dark {
		w.dark = at
	}
	return w
}

// intercept lets a request pass, or go wrong.
func (w *weather) intercept(request *http.Request, upstream http.RoundTripper) (*http.Response, error) {
	if fault := w.fault(request); fault != nil {
		return fault(w, request, upstream)
	}
	return upstream.RoundTrip(request)
}

// fault chooses what goes wrong with a request; nil is nothing.
func (w *weather) fault(request *http.Request) fault {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen++
	if w.seen == w.dark {
		w.until = time.Now().Add(blackout)
		w.log = append(w.log, "everything is cut from here on")
	}
	if time.Now().Before(w.until) {
		return cutBefore
	}
	const storm, most = 25, 60
	share := w.share
	if w.burst > 0 && w.seen >= w.burst && w.seen < w.burst+storm {
		share = most
	}
	if w.chance.IntN(100) >= share {
		return nil
	}
	possible := faultsOf(request)
	name := possible[w.chance.IntN(len(possible))]
	w.log = append(w.log, fmt.Sprintf("%d: %s: %s %s", w.seen, name, request.Method, request.URL))
	return faults()[name]
}

// number returns a random number from low to high.
func (w *weather) number(low, high int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return low + w.chance.IntN(high-low+1)
}

// faultsOf names what can go wrong with a request.
func faultsOf(request *http.Request) []string {
	all := []string{"cut before", "cut after", "late", "429", "429 with a time", "500", "503", "504"}
	query := request.URL.Query()
	switch {
	case query.Get("watch") != "":
		return append(all[:1:1], "late", "429", "500", "503", "closed at once", "closed after a change", "cut in a change", "expired watch")
	case request.Method != http.MethodGet:
		return append(all, "500 after", "504 after", "truncated")
	case query.Has("labelSelector") || query.Has("limit"):
		return append(all, "truncated", "expired list")
	}
	return append(all, "truncated")
}

func faults() map[string]fault {
	return map[string]fault{
		"cut before": cutBefore, "cut after": cutAfter, "late": late, "truncated": truncated,
		"429": refused(http.StatusTooManyRequests, "TooManyRequests", 0), "429 with a time": refused(http.StatusTooManyRequests, "TooManyRequests", 1),
		"500": refused(http.StatusInternalServerError, "InternalError", 0), "503": refused(http.StatusServiceUnavailable, "ServiceUnavailable", 0),
		"504": refused(http.StatusGatewayTimeout, "Timeout", 0), "expired list": refused(http.StatusGone, "Expired", 0),
		"500 after":      after(refused(http.StatusInternalServerError, "InternalError", 0)),
		"504 after":      after(refused(http.StatusGatewayTimeout, "Timeout", 0)),
		"closed at once": closedAtOnce, "closed after a change": changes(false), "cut in a change": changes(true),
		"expired watch": expiredWatch,
	}
}

func cutBefore(*weather, *http.Request, http.RoundTripper) (*http.Response, error) {
	return nil, proxy.ErrCut
}

func cutAfter(_ *weather, request *http.Request, upstream http.RoundTripper) (*http.Response, error) {
	if err := carriedOut(request, upstream); err != nil {
		return nil, err
	}
	return nil, proxy.ErrCut
}

// after has a fault happen when the server has acted.
func after(then fault) fault {
	return func(w *weather, request *http.Request, upstream http.RoundTripper) (*http.Response, error) {
		if err := carriedOut(request, upstream); err != nil {
			return nil, err
		}
		return then(w, request, upstream)
	}
}

// carriedOut sends a request and reads the whole answer.
func carriedOut(request *http.Request, upstream http.RoundTripper) error {
	response, err := upstream.RoundTrip(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

// late answers after some tenths of a second.
func late(w *weather, request *http.Request, upstream http.RoundTripper) (*http.Response, error) {
	timer := time.NewTimer(time.Duration(w.number(20, 500)) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-request.Context().Done():
		return nil, request.Context().Err()
	}
	return upstream.RoundTrip(request)
}

// refused answers with a status, and with the seconds to wait unless they are 0.
func refused(code int, reason string, seconds int) fault {
	return func(_ *weather, request *http.Request, _ http.RoundTripper) (*http.Response, error) {
		response := answer(request, code, failureStatus(code, reason))
		if seconds > 0 {
			response.Header.Set("Retry-After", strconv.Itoa(seconds))
		}
		return response, nil
	}
}

func failureStatus(code int, reason string) string {
	return fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":%q,"message":"the weather: %s","code":%d}`, reason, reason, code)
}

// truncated ends the connection in the middle of the answer.
func truncated(_ *weather, request *http.Request, upstream http.RoundTripper) (*http.Response, error) {
	response, err := upstream.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	response.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body[:len(body)/2]), broken{}))
	return response, err
}

// broken is where a connection ends.
type broken struct{}

// Read implements io.Reader.
func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func closedAtOnce(_ *weather, request *http.Request, _ http.RoundTripper) (*http.Response, error) {
	return answer(request, http.StatusOK, ""), nil
}

// expiredWatch tells that the history of a watch is not known any more.
func expiredWatch(_ *weather, request *http.Request, _ http.RoundTripper) (*http.Response, error) {
	status := failureStatus(http.StatusGone, "Expired")
	return answer(request, http.StatusOK, `{"type":"ERROR","object":`+status+"}\n"), nil
}

// changes ends a watch after its first change, or in the middle of one.
func changes(within bool) fault {
	return func(_ *weather, request *http.Request, upstream http.RoundTripper) (*http.Response, error) {
		response, err := upstream.RoundTrip(request)
		if err == nil {
			response.Body = &firstChange{ReadCloser: response.Body, within: within}
		}
		return response, err
	}
}

// firstChange is a watch that ends with, or in, the first read that has an end of a line.
type firstChange struct {
	io.ReadCloser
	within, over bool
}

// Read implements io.Reader.
func (c *firstChange) Read(into []byte) (int, error) {
	if c.over && c.within {
		return 0, io.ErrUnexpectedEOF
	}
	if c.over {
		return 0, io.EOF
	}
	count, err := c.ReadCloser.Read(into)
	if end := bytes.IndexByte(into[:count], '\n'); end >= 0 {
		c.over, count = true, end+1
		if c.within {
			count /= 2
		}
	}
	return count, err
}

// count returns how much went wrong; that everything was cut for a while counts once.
func (w *weather) count() int32 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return int32(len(w.log)) //nolint:gosec // There are few.
}

// String lists what went wrong.
func (w *weather) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.log, "\n")
}
