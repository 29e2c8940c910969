// Command kube-apiserver is the Kubernetes API server the integration tests
// run against, built from the published Go modules because no registry we may
// use carries it as a binary.
//
//	kube-apiserver [flags]      the API server, with its own flags
//	kube-apiserver keygen FILE  writes a private key to sign service-account tokens with
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"

	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == "keygen" {
		if err := keygen(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, "keygen:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(cli.Run(app.NewAPIServerCommand()))
}

// keygen spares the tests a dependency on a cryptography crate or on openssl.
func keygen(file string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
	return os.WriteFile(file, block, 0o600)
}
