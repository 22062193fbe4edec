# fish: completion of mcloudfs. What there is says the program itself.

# What may stand where the last option of -o is; what is in front of it stays.
function __mcloudfs_option
    set -l program (commandline -opc)[1]
    set -l word (commandline -ct | string replace -r -- '^-o' '')
    set -l flag (commandline -ct | string match -r -- '^-o')
    set -l kept "$flag"(string replace -r -- '[^,]*$' '' "$word")
    set -l last (string replace -r -- '.*,' '' "$word")
    for row in ($program --print-options 2>/dev/null)
        set -l fields (string split \t -- $row)
        set -l name $fields[1]
        string match -q -- '-*' $name; and continue
        if string match -q -- '*=' $name; and string match -q -- "$name*" "$last"
            switch $name
                case cloud= attach=
                    printf '%s\n' "$kept"($program --print-clouds 2>/dev/null | string match -- "$name*")
                case '*'
                    if string match -q '*|*' $fields[2]
                        printf '%s\n' "$kept$name"(string split '|' $fields[2])
                    else
                        string replace -r -- '^' "$kept$name" (__fish_complete_path (string replace -- $name '' "$last"))
                    end
            end
            return
        end
        printf '%s\t%s\n' "$kept$name" "$fields[3]"
    end
end

function __mcloudfs_flags
    set -l program (commandline -opc)[1]
    $program --print-options 2>/dev/null | string match -r '^-.*' | string replace \t\t \t
end

function __mcloudfs_in_option
    test (commandline -opc)[-1] = -o; or string match -q -- '-o?*' (commandline -ct)
end

for program in mcloudfs mount.mcloudfs mount.fuse.mcloudfs
    complete -c $program -f
    complete -c $program -n __mcloudfs_in_option -a '(__mcloudfs_option)'
    complete -c $program -n 'not __mcloudfs_in_option; and string match -q -- "-*" (commandline -ct)' -a '(__mcloudfs_flags)'
    complete -c $program -n 'not __mcloudfs_in_option' -a '(__fish_complete_directories)'
end
