// Charts in SVG. Each has its numbers as text for those who do not see it.

interface BarsProps {
  title: string;
  labels: string[];
  values: number[];
  show: (value: number) => string;
}

const HEIGHT = 120;
const STEP = 20;

export function Bars({ title, labels, values, show }: BarsProps) {
  const highest = Math.max(1, ...values);
  return (
    <figure>
      <figcaption>{title}, at most {show(Math.max(0, ...values))}</figcaption>
      <svg class="chart" viewBox={`0 0 ${values.length * STEP} ${HEIGHT + 16}`} preserveAspectRatio="none" role="img" aria-label={`${title}: ${labels.map((label, index) => `${label} ${show(values[index] ?? 0)}`).join(", ")}`}>
        {values.map((value, index) => {
          const height = (value / highest) * HEIGHT;
          return (
            <rect key={labels[index]} x={index * STEP + 2} y={HEIGHT - height} width={STEP - 4} height={Math.max(height, value > 0 ? 1 : 0)}>
              <title>{labels[index]}: {show(value)}</title>
            </rect>
          );
        })}
        <line x1="0" x2={values.length * STEP} y1={HEIGHT} y2={HEIGHT} />
      </svg>
      <p class="axis" aria-hidden="true"><span>{labels[0]}</span><span>{labels.at(-1)}</span></p>
    </figure>
  );
}

/** A small line without axes. */
export function Spark({ values, label }: { values: number[]; label: string }) {
  const highest = Math.max(1, ...values);
  const points = values.map((value, index) => `${index},${30 - (value / highest) * 28}`).join(" ");
  return (
    <svg class="spark" viewBox={`0 0 ${Math.max(1, values.length - 1)} 30`} preserveAspectRatio="none" role="img" aria-label={label}>
      <polyline points={points} />
    </svg>
  );
}
