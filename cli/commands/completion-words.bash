# What the package bash-completion has, where it is not there: the words of the line, those that -n would not break in one piece.
if ! declare -F _get_comp_words_by_ref > /dev/null; then
  _get_comp_words_by_ref() {
    local unbroken= pieces=() at=0 from=0 start=0 end=0 gap i piece name
    if [[ $1 == -n ]]; then unbroken=$2; shift 2; fi
    for ((i = 0; i < ${#COMP_WORDS[@]}; i++)); do
      piece=${COMP_WORDS[i]} gap=
      while [[ ${COMP_LINE:end:1} == [[:space:]] ]]; do gap=1 end=$((end + 1)); done
      if [[ $i -gt 0 && -z $gap && -n $unbroken ]] &&
        [[ $piece == ["$unbroken"]* || ${pieces[${#pieces[@]} - 1]} == *["$unbroken"] ]]; then
        pieces[${#pieces[@]} - 1]+=$piece
      else
        pieces+=("$piece") start=$end
      fi
      if [[ $i -eq $COMP_CWORD ]]; then at=$((${#pieces[@]} - 1)) from=$start; fi
      end=$((end + ${#piece}))
    done
    for name in "$@"; do
      case $name in
        cur) if [[ $COMP_POINT -gt $from ]]; then cur=${COMP_LINE:from:COMP_POINT - from}; else cur=; fi ;;
        prev) if [[ $at -gt 0 ]]; then prev=${pieces[at - 1]}; else prev=; fi ;;
        words) words=("${pieces[@]}") ;;
        cword) cword=$at ;;
      esac
    done
  }
fi
