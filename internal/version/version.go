// Package version holds the version of the module.
package version

// Version is raised in the commit that makes a release.
const Version = "0.1.0-dev"
