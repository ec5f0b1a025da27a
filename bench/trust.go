package main

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// keyBits make a handshake cost what it costs at a server with an RSA key.
const keyBits = 2048

// trust makes a certificate for loopback in dir, with an authority and one in
// between, as public servers have, and lets this process trust it in every
// client that asks for the system's authorities: so no peer needs a transport of
// ours to be measured over TLS.
func trust(dir string) error {
	files, err := certificates()
	if err != nil {
		return err
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return err
		}
	}
	return os.Setenv("SSL_CERT_FILE", filepath.Join(dir, "root.pem"))
}

// certificates makes the files of trust. A process has one set: it reads its authorities
// once, at the first handshake.
var certificates = sync.OnceValues(func() (map[string][]byte, error) {
	var keys [3]*rsa.PrivateKey
	for i := range keys {
		var err error
		if keys[i], err = rsa.GenerateKey(rand.Reader, keyBits); err != nil {
			return nil, err
		}
	}
	template := func(serial int64, name string) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
			BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign,
		}
	}
	root, between, leaf := template(1, "root"), template(2, "between"), template(3, "loopback")
	leaf.IsCA, leaf.KeyUsage, leaf.IPAddresses = false, x509.KeyUsageDigitalSignature, []net.IP{net.IPv4(127, 0, 0, 1)}
	leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	var chain, authority bytes.Buffer
	for _, c := range []struct {
		cert, by *x509.Certificate
		of, with int // keys
		to       *bytes.Buffer
	}{{leaf, between, 2, 1, &chain}, {between, root, 1, 0, &chain}, {root, root, 0, 0, &authority}} {
		der, err := x509.CreateCertificate(rand.Reader, c.cert, c.by, &keys[c.of].PublicKey, keys[c.with])
		if err != nil {
			return nil, err
		}
		if err := pem.Encode(c.to, &pem.Block{Type: "CERTIFICATE", Bytes: der}); err != nil {
			return nil, err
		}
	}
	der, err := x509.MarshalPKCS8PrivateKey(keys[2])
	if err != nil {
		return nil, err
	}
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return map[string][]byte{"cert.pem": chain.Bytes(), "key.pem": key, "root.pem": authority.Bytes()}, nil
})
