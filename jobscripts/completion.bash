# Completes incubate's commands, settings and values in bash, from the program's --help:
#
#   source jobscripts/completion.bash      (or in ~/.bashrc, with its whole path)

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then  # started, not sourced
  sed -n '1,/^$/s/^# \{0,1\}//p' "$0"
  [[ ${1:-} =~ ^(-h|--help)$ ]] && exit 0 || exit 2
fi

# What --help says of each program, command and section: asked once a shell.
declare -gA _incubate_help

_incubate() {
  local program=${COMP_WORDS[0]} command='' line=${COMP_LINE:0:COMP_POINT} word section='' option kind options
  word=${line##*[[:space:]]}  # bash itself cuts it at '='
  [ "$COMP_CWORD" -gt 1 ] && command=${COMP_WORDS[1]}
  [[ $word =~ ^--([a-z_]+)\. ]] && section=${BASH_REMATCH[1]}
  local key="$program $command $section"
  # shellcheck disable=SC2086  # without a command or a section there is no such argument
  [ -n "${_incubate_help[$key]:-}" ] || _incubate_help[$key]=$("$program" $command --help $section 2>/dev/null)
  local help=${_incubate_help[$key]}
  COMPREPLY=()
  if [ -z "$command" ]; then
    mapfile -t COMPREPLY < <(compgen -W "$(sed -n 's/^  \([a-z]\+\) .*/\1/p' <<<"$help") --help" -- "$word")
    return
  fi
  case $word in
    --*=*)
      option=${word%%=*}
      # The text in brackets after an option lists its values or names their kind.
      kind=$(sed -n "s/^  ${option//./\\.}  \[\(.*\)\]$/\1/p" <<<"$help")
      case $kind in
        *'|'*) mapfile -t COMPREPLY < <(compgen -W "${kind//|/ }" -- "${word#*=}") ;;
        path) mapfile -t COMPREPLY < <(compgen -f -- "${word#*=}") ;;
      esac ;;
    -*)
      options=$(grep -oE '^  --[a-z_.-]+' <<<"$help" | sed -E 's/^ +//; s/$/=/; s/^(--help|--print-config|--json)=$/\1/')
      # Sections that --help names in a line of their own, instead of describing each.
      options+=" $(sed -n 's/^  \[\(.*\)\]$/--\1./p' <<<"$help")"
      mapfile -t COMPREPLY < <(compgen -W "$options --config" -- "$word")
      [[ ${COMPREPLY[0]:-} == *[=.] ]] && compopt -o nospace 2>/dev/null ;;
    *)
      mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
  esac
}
complete -F _incubate incubate
