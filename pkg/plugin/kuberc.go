package plugin

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/plugin/pkg/client/auth/exec"
	"k8s.io/client-go/rest"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	"k8s.io/kubectl/pkg/config"
	"k8s.io/kubectl/pkg/kuberc"
)

// kubercFlag is kubectl's.
const kubercFlag = "kuberc"

// preferences are what kubectl's file of preferences, kuberc, says that concerns a plugin: which credential plugins may be
// run. Its aliases and its defaults of flags are those of kubectl's own commands.
type preferences struct{ policy clientcmdapi.PluginPolicy }

// AddFlags adds kubectl's flag, unless KUBECTL_KUBERC=false switches the file off.
func (p *preferences) AddFlags(flags *pflag.FlagSet) {
	if !cmdutil.KubeRC.IsDisabled() {
		flags.String(kubercFlag, "", "Path to the kuberc file with kubectl's preferences; only credentialPluginPolicy and credentialPluginAllowlist are used. Disabled by KUBERC=off or KUBECTL_KUBERC=false.")
	}
}

// Wrap has every configuration that flags make obey the policy.
func (p *preferences) Wrap(flags *genericclioptions.ConfigFlags) {
	inner := flags.WrapConfigFn
	flags.WithWrapConfigFn(func(config *rest.Config) *rest.Config {
		if inner != nil {
			config = inner(config)
		}
		if config.ExecProvider != nil {
			config.ExecProvider.PluginPolicy = p.policy
		}
		return config
	})
}

// Load reads the file as kubectl finds it: --kuberc, then KUBERC, then kuberc beside the kubeconfig. What kubectl only warns
// about is a warning here, too.
func (p *preferences) Load(command *cobra.Command, errOut io.Writer) error {
	if cmdutil.KubeRC.IsDisabled() {
		return nil
	}
	path, err := command.Flags().GetString(kubercFlag)
	if err != nil {
		return err
	}
	if path == "" && command.Flags().Changed(kubercFlag) {
		return &UsageError{command.CommandPath(), fmt.Errorf("--%s needs the path of a file", kubercFlag)}
	}
	var warnings bytes.Buffer
	found, err := kuberc.DefaultGetPreferences(path, &warnings)
	if text := strings.TrimSpace(warnings.String()); text != "" {
		_, _ = fmt.Fprintln(errOut, "warning: "+text)
	}
	if err != nil {
		return fmt.Errorf("reading kubectl's preferences: %w", err)
	}
	if found == nil {
		return nil
	}
	p.policy = pluginPolicy(found)
	if err := exec.ValidatePluginPolicy(p.policy); err != nil {
		return fmt.Errorf("reading kubectl's preferences: %w", err)
	}
	return nil
}

// pluginPolicy is the policy of a file as client-go takes it. An allowlist that is there and empty is not one that is absent.
func pluginPolicy(found *config.Preference) clientcmdapi.PluginPolicy {
	policy := clientcmdapi.PluginPolicy{PolicyType: clientcmdapi.PolicyType(found.CredentialPluginPolicy)}
	if found.CredentialPluginAllowlist != nil {
		policy.Allowlist = []clientcmdapi.AllowlistEntry{}
	}
	for _, entry := range found.CredentialPluginAllowlist {
		policy.Allowlist = append(policy.Allowlist, clientcmdapi.AllowlistEntry(entry))
	}
	return policy
}
