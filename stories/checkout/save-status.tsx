import type { Persistence } from 'dogear'

/** The save status in words. Screen readers are told of trouble, not of every saved key. */
export function SaveStatus({ persistence }: { readonly persistence: Persistence }) {
  const { status, savedAt } = persistence
  const trouble = troubles[status]
  return (
    <div className="save" data-status={status}>
      {trouble === undefined && (
        <p>
          {status === 'saving' ? 'Saving ...' : savedAt ? <SavedAt at={savedAt} /> : 'Nothing to save yet'}
        </p>
      )}
      <p role="status">
        {trouble && <span aria-hidden="true">⚠ </span>}
        {trouble}
      </p>
    </div>
  )
}

const troubles: Partial<Record<Persistence['status'], string>> = {
  unsaved: 'Not saved: the browser refused. It is kept on this page, and tried again.',
  'memory-only': 'Not saved: this browser keeps nothing. It lasts until you leave this page.',
  degraded: 'Not saved: the browser does not answer. It is kept on this page.',
  outdated: 'Not saved: another tab has taken over. Reload this page to go on here.',
  error: 'Not saved: what is stored could not be read.',
}

function SavedAt({ at }: { readonly at: number }) {
  return (
    <>
      Saved at <time dateTime={new Date(at).toISOString()}>{timeOf(at)}</time>
    </>
  )
}

/** The time of day, with the date unless it is today. */
export function timeOf(at: number): string {
  const then = new Date(at)
  const time = then.toLocaleTimeString('en-GB')
  const today = then.toDateString() === new Date().toDateString()
  return today ? time : `${time} on ${then.toLocaleDateString('en-GB', { dateStyle: 'long' })}`
}
