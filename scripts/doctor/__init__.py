"""What is wrong with an installation, and how to mend it: what `cinedge doctor` is made of.

facts          what was found out, as plain records
here           finding out what this machine says of the nodes that stand on it
files          finding out what is in certificates, databases and geo files
running        finding out what processes say, and whether edges reach their origins
checks_here    judgements over the facts of this machine
checks_running judgements over running processes
findings       one finding: what, why it matters, how to mend it
examining      all facts, gathered once
diagnosis      all judgements over them
"""
