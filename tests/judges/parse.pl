# A message on standard input, what Email::MIME reads in it as JSON.
use strict;
use warnings;
use Email::MIME;
use Email::Address::XS;
use JSON::PP;

binmode STDIN;
my $mail = Email::MIME->new(do { local $/; <STDIN> });
my %found = (subject => $mail->header_str('Subject'), text => '', html => '');
my ($from) = $mail->header_as_obj('From')->addresses;
my ($to)   = $mail->header_as_obj('To')->addresses;
# The object reads the raw field, so that commas in encoded words cannot part names.
($found{name}) = $mail->header_str('From') =~ /^"?(.*?)"?\s*<[^<>]*>$/s;
$found{address} = $from->address;
$found{to}      = $to->address;
$mail->walk_parts(
    sub {
        my ($part) = @_;
        return if $part->subparts;
        my $type = $part->content_type // 'text/plain';
        $found{text} = $part->body_str if $type =~ m{^text/plain}i && !$found{text};
        $found{html} = $part->body_str if $type =~ m{^text/html}i  && !$found{html};
    }
);
print JSON::PP->new->utf8->canonical->encode( \%found );
