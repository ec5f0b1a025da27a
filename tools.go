//go:build tools

// Package tools pins the code generator in go.mod.
//
// The root folder holds no other package, so a program that imports this
// module never loads this file and none of the generator's dependencies.
package tools

import _ "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen"
