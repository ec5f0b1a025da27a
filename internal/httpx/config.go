package httpx

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/postmux/postmux/internal/vendorurl"
	"github.com/postmux/postmux/internal/version"
	"github.com/postmux/postmux/provider"
)

const defaultTimeout = 90 * time.Second

// Config is what an adapter sets of its chain.
type Config struct {
	Provider string
	BaseURL  string // the vendor's own
	Settings provider.AccountSettings
	Env      provider.DriverEnv
	Auth     Auth
	// Classify turns an answer into an error, or nil when it is a success. It is
	// called for every answer but redirects, for 2xx too. It sets Kind, Code,
	// Message and Field; the chain sets the rest.
	Classify func(a *Answer) *provider.Error
	// AssumedStatuses says that the vendor documents no statuses, so those of the spec
	// are a guess.
	AssumedStatuses bool
	// RequestID is the header in which the vendor names the request.
	RequestID string
	// RetryAfter reads the vendor's own header; nil means the standard one only.
	RetryAfter func(h http.Header) time.Duration
	// Limits are the vendor's limits of calls.
	Limits Limits
	// Secretive are operations whose bodies hold credentials and are never described.
	Secretive []string
}

// settings is a Config that was checked, with the account's own settings in
// place of the defaults.
type settings struct {
	Config
	base      string
	timeout   time.Duration
	answer    time.Duration // for an answer, 0 for the default by the call
	attempts  int           // of one call, the first included
	client    *http.Client
	gates     map[string]*gate // by class
	userAgent []string         // as a header holds it
	secrets   []string         // taken out of all texts: those of the account and of its proxy
}

// account is the name of the account as its Client has it.
func (s *settings) account() string { return cmp.Or(s.Env.Account, s.Provider) }

// resolve checks cfg and the account's settings. It does not touch the network.
func (cfg Config) resolve() (*settings, error) {
	common := cfg.Settings
	s := &settings{Config: cfg, base: cfg.BaseURL, timeout: defaultTimeout, attempts: maxAttempts}
	if common.BaseURL != "" {
		s.base = common.BaseURL
	}
	if common.Timeout > 0 {
		s.timeout = common.Timeout
	}
	s.answer = common.AnswerTimeout
	if common.Tries > 0 {
		s.attempts = common.Tries
	}
	if err := vendorurl.Check(s.base); err != nil {
		return nil, configError("base_url", err)
	}
	if err := vendorurl.CheckProxy(common.Proxy.Reveal(), s.base); err != nil {
		return nil, configError("proxy", err)
	}
	if cfg.Auth.unusable {
		return nil, configError("", errors.New("the key holds a line break or another control character"))
	}
	var err error
	if s.client, err = newClient(cfg.Env.HTTPClient, common); err != nil {
		return nil, configError("", err)
	}
	s.secrets = append(slices.Clone(cfg.Auth.secrets), proxySecrets(common.Proxy.Reveal())...)
	limits, err := cfg.Limits.forAccount(s.base, common.RateLimits)
	if err != nil {
		return nil, err
	}
	s.gates = gatesOf(process, s.base, cfg.Auth.identity, limits)
	if strings.ContainsFunc(cfg.Env.UserAgent, func(r rune) bool { return r < ' ' || r >= 0x7f }) {
		return nil, configError("user_agent", errors.New("expected visible ASCII"))
	}
	agent := fmt.Sprintf("%s postmux/%s (%s)", cfg.Env.UserAgent, version.Version, cfg.Provider)
	s.userAgent = []string{strings.TrimSpace(agent)}
	return s, nil
}
