package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"time"
)

// authority signs certificates. Its key stays beside its certificate (ca.crt,
// ca.key), so that whoever wants a client certificate can make one.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// writeCertificates makes the keys of a cluster: its authority (ca), what the
// API server and the log server serve with (serving), and what signs
// ServiceAccount tokens (service-account.key).
func writeCertificates(d dir) error {
	ca, err := newAuthority(d)
	if err != nil {
		return err
	}
	err = ca.sign(d, "serving", &x509.Certificate{
		Subject:     pkix.Name{CommonName: "kube-apiserver"},
		DNSNames:    []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), firstServiceIP()},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	if err != nil {
		return err
	}
	_, err = newKey(d.file("service-account.key"))
	return err
}

func newAuthority(d dir) (authority, error) {
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "sherpack-cluster"},
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	key, err := newKey(d.file("ca.key"))
	if err != nil {
		return authority{}, err
	}
	ca := authority{certificate: template, key: key}
	return ca, ca.write(d.file("ca.crt"), template, key)
}

func (a authority) sign(d dir, name string, template *x509.Certificate) error {
	key, err := newKey(d.file(name + ".key"))
	if err != nil {
		return err
	}
	return a.write(d.file(name+".crt"), template, key)
}

func (a authority) write(path string, template *x509.Certificate, key *ecdsa.PrivateKey) error {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
	if err != nil {
		return fmt.Errorf("make a certificate: %w", err)
	}
	template.SerialNumber = serial
	template.NotBefore = time.Now().Add(-time.Hour)
	template.NotAfter = template.NotBefore.AddDate(10, 0, 0)
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		return fmt.Errorf("make a certificate: %w", err)
	}
	return writePEM(path, "CERTIFICATE", der)
}

func newKey(path string) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	return key, writePEM(path, "EC PRIVATE KEY", der)
}

func writePEM(path, kind string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
