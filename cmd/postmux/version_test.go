package main

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/postmux/postmux/internal/version"
)

// Which version a binary tells, by the way in which it was made.
func TestBuiltAs(t *testing.T) {
	checkout := []debug.BuildSetting{
		{Key: "vcs", Value: "git"}, {Key: "vcs.revision", Value: "09a9513"}, {Key: "vcs.time", Value: "2026-11-30T12:00:00Z"}, {Key: "vcs.modified", Value: "true"},
	}
	for _, tt := range []struct {
		name   string
		info   *debug.BuildInfo
		linked string
		want   origin
	}{
		{
			name: "go install at a version",
			info: &debug.BuildInfo{Main: debug.Module{Version: "v0.1.0", Sum: "h1:x="}}, want: origin{Version: "0.1.0"},
		},
		{
			name: "a downloaded version is not renamed",
			info: &debug.BuildInfo{Main: debug.Module{Version: "v0.1.0", Sum: "h1:x="}}, linked: "9.9.9", want: origin{Version: "0.1.0"},
		},
		{
			name: "a release's archive", linked: "0.1.0",
			info: &debug.BuildInfo{Main: debug.Module{Version: "v0.1.1-0.20261130120000-09a951300000+dirty"}, Settings: checkout},
			want: origin{Version: "0.1.0", Commit: "09a9513", Time: "2026-11-30T12:00:00Z", Modified: true},
		},
		{
			name: "a packager without a repository", info: &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, linked: "v0.1.0-2",
			want: origin{Version: "0.1.0-2"},
		},
		{
			name: "a checkout at a tag", info: &debug.BuildInfo{Main: debug.Module{Version: "v0.1.0"}, Settings: checkout[:3]},
			want: origin{Version: "0.1.0", Commit: "09a9513", Time: "2026-11-30T12:00:00Z"},
		},
		{name: "a folder of files", info: &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, want: origin{Version: version.Version}},
		{name: "no build information", want: origin{Version: version.Version}},
	} {
		t.Run(tt.name, func(t *testing.T) { assert.Equal(t, tt.want, builtAs(tt.info, tt.linked)) })
	}
}
